import { jobAnswerSchema } from '@queue-service/contracts';
import type { Runtime } from '@queue-service/queue';
import { z } from 'zod';
import type { Cancel } from '../cancel.ts';
import { Problem } from '../http/problem.ts';
import { type Route, route } from '../http/route.ts';
import type { Redrive } from '../redrive.ts';

const params = z.object({ id: z.uuid() });
const unavailable = ['queue_unavailable', 'database_unavailable'] as const;

export function jobControlRoutes({ reader }: Pick<Runtime, 'reader'>, cancel: Cancel, redrive: Redrive): Route[] {
  return [
    route({
      method: 'delete',
      path: '/jobs/:id',
      access: 'venue',
      summary: 'Cancel a job: a waiting one at once (200), a running one through its abort signal (202)',
      params,
      answers: { 200: jobAnswerSchema, 202: jobAnswerSchema },
      problems: ['not_found', 'conflict', ...unavailable],
      handler: async ({ params: { id }, ...change }) => {
        const { outcome, job } = await cancel(id, change);
        return outcome === 'cancelled'
          ? ({ status: 200, body: { job } } as const)
          : ({ status: 202, body: { job } } as const);
      },
    }),

    route({
      method: 'post',
      path: '/jobs/:id/retry',
      access: 'venue',
      summary: 'Start a failed job again',
      params,
      answers: { 202: jobAnswerSchema },
      problems: ['not_found', 'conflict', ...unavailable],
      handler: async ({ params: { id }, ...change }) => {
        const before = await reader.find(id, change.actor.scope);
        if (before === null) throw new Problem('not_found');
        if (before.status !== 'failed') throw new Problem('conflict', { detail: `The job is ${before.status}` });
        await redrive({ jobId: id }, change);
        const job = await reader.find(id, change.actor.scope);
        if (job === null) throw new Problem('not_found');
        return { status: 202, body: { job } };
      },
    }),
  ];
}
