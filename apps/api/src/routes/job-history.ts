import { type JobHistory, jobHistorySchema } from '@queue-service/contracts';
import { findCriticalJobHistory, findDeadLetter, listEffectsOfJob } from '@queue-service/persistence';
import { envelopeIn, type Runtime, whileAvailable, whileDatabaseAvailable } from '@queue-service/queue';
import { z } from 'zod';
import { Problem } from '../http/problem.ts';
import { type Route, route } from '../http/route.ts';

const params = z.object({ id: z.uuid() });

export function jobHistoryRoutes({ db, reader, connections }: Pick<Runtime, 'db' | 'reader' | 'connections'>): Route[] {
  /** Of a job that has no row in the ledger, as long as Redis keeps it. */
  const attemptsInRedis = async (name: 'communication' | 'background', id: string) => {
    const { queue, redis } = connections.of(name);
    const job = await whileAvailable(redis, name, () => queue.getJob(id));
    return job === undefined ? [] : envelopeIn(job).attemptLog;
  };

  return [
    route({
      method: 'get',
      path: '/jobs/:id/history',
      access: 'user',
      summary: 'The attempts of a job, and of a money job its effects and what its ledger says',
      params,
      answers: { 200: jobHistorySchema },
      problems: ['not_found', 'queue_unavailable', 'database_unavailable'],
      handler: async ({ params: { id }, actor }) => {
        const job = await reader.find(id, actor.scope);
        if (job === null) throw new Problem('not_found');
        const { queue } = job;
        const body = await whileDatabaseAvailable(async (): Promise<JobHistory> => {
          const [row, effects, letter] = await Promise.all([
            findCriticalJobHistory(db, id),
            listEffectsOfJob(db, id),
            findDeadLetter(db, { jobId: id }, actor.scope, false),
          ]);
          const inRedis = queue === 'money' ? [] : await attemptsInRedis(queue, id);
          return {
            attempts: row?.attemptLog ?? (inRedis.length > 0 ? inRedis : (letter?.attemptLog ?? [])),
            effects: effects.map((effect) => ({
              ...effect,
              firstAttemptAt: time(effect.firstAttemptAt),
              lastAttemptAt: time(effect.lastAttemptAt),
              settledAt: time(effect.settledAt),
              createdAt: effect.createdAt.toISOString(),
            })),
            ledger: row === null ? null : ledgerOf(row),
            deadLetterId: letter?.id ?? null,
          };
        });
        return { status: 200, body };
      },
    }),
  ];
}

function ledgerOf(row: NonNullable<Awaited<ReturnType<typeof findCriticalJobHistory>>>): JobHistory['ledger'] {
  const { attemptLog: _, ...shown } = row;
  return {
    ...shown,
    leaseUntil: time(row.leaseUntil),
    runAt: row.runAt.toISOString(),
    dispatchedAt: time(row.dispatchedAt),
    cancelRequestedAt: time(row.cancelRequestedAt),
  };
}

function time(date: Date | null): string | null {
  return date?.toISOString() ?? null;
}
