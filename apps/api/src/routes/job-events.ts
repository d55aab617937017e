import { z } from 'zod';
import type { EventStreams } from '../events/event-streams.ts';
import { Problem } from '../http/problem.ts';
import { type Route, route } from '../http/route.ts';
import type { Jobs } from '../ports.ts';

const headers = z.object({
  'Last-Event-ID': z
    .string()
    .regex(/^\d{1,16}-\d{1,16}$/, 'is not an id of an event')
    .optional()
    .describe('The last event that was seen: the stream goes on after it'),
});

/** @param jobs as they are now, not from a cache */
export function jobEventRoutes(streams: EventStreams, jobs: Pick<Jobs, 'find'>): Route[] {
  return [
    route({
      method: 'get',
      path: '/jobs/:id/events',
      access: 'user',
      summary: 'What happens to a job, live (server-sent events): status, progress, log, and end with the job',
      params: z.object({ id: z.uuid() }),
      headers,
      answers: { 200: { mediaType: 'text/event-stream', stream: true } },
      problems: ['not_found', 'overloaded', 'database_unavailable'],
      handler: async ({ params: { id }, headers: { 'Last-Event-ID': afterId = null }, actor }) => {
        const job = await jobs.find(id, actor.scope);
        if (job === null) throw new Problem('not_found');
        const untilMs = actor.principal.expiresAtMs;
        const body = streams.stream({ job, scope: actor.scope, afterId, untilMs });
        if (body === null) throw new Problem('overloaded', { retryAfterSeconds: 5 });
        // Proxies would keep events back until a buffer is full.
        return { status: 200, body, headers: { 'X-Accel-Buffering': 'no' } };
      },
    }),
  ];
}
