import {
  cleanAnswerSchema,
  cleanQuerySchema,
  type QueueName,
  type QueueStats,
  queueAnswerSchema,
  queueListSchema,
  queueMetricsAnswerSchema,
  queueMetricsQuerySchema,
  queueNameSchema,
  queueNames,
  queues,
} from '@queue-service/contracts';
import {
  countQueueFlow,
  insertAudit,
  listQueueControls,
  listQueueMetrics,
  setQueuePaused,
} from '@queue-service/persistence';
import { type Runtime, readQueueState, whileAvailable, whileDatabaseAvailable } from '@queue-service/queue';
import { z } from 'zod';
import { auditEntry, type Change } from '../audit.ts';
import type { Caches } from '../cache/caches.ts';
import { Problem } from '../http/problem.ts';
import { type Route, route } from '../http/route.ts';

const params = z.object({ queue: queueNameSchema });
const unavailable = ['queue_unavailable', 'database_unavailable'] as const;
const minute = 60_000;
const rateMinutes = 5;
const mostMetrics = 2_000;
const cleanBatch = 1_000;

export function queueRoutes(runtime: Runtime, cache: Caches['queues']): Route[] {
  const { db, connections, now } = runtime;

  const statsOf = (names: readonly QueueName[]): Promise<QueueStats[]> =>
    whileDatabaseAvailable(async () => {
      const at = now();
      const [controls, flow] = await Promise.all([
        listQueueControls(db),
        countQueueFlow(db, new Date(at.getTime() - rateMinutes * minute), at),
      ]);
      const one = async (name: QueueName): Promise<QueueStats> => {
        const connection = connections.of(name);
        const state = await whileAvailable(connection.redis, name, () => readQueueState(connection, db, at));
        const control = controls.find((candidate) => candidate.name === name);
        const counted = flow.find(({ queue }) => queue === name);
        const rate = (count = 0) => count / rateMinutes;
        return {
          queue: name,
          tier: queues[name].tier,
          ...state,
          pausedAt: control?.pausedAt?.toISOString() ?? null,
          pausedBy: control?.pausedBy ?? null,
          rates: {
            enqueued: rate(counted?.enqueued),
            completed: rate(counted?.completed),
            failed: rate(counted?.failed),
          },
        };
      };
      return Promise.all(names.map(one));
    });
  const cachedStats = (names: readonly QueueName[]) => cache.read(names.join(), () => statsOf(names));
  const answerOf = async (name: QueueName) => {
    const [queue] = await cachedStats([name]);
    return { status: 200, body: { queue: queue as QueueStats } } as const;
  };

  /** Redis first: what is recorded then is what is. A repeat after a failure in between completes it. */
  const setPaused = async (name: QueueName, paused: boolean, change: Change) => {
    const { queue, redis } = connections.of(name);
    const before = await whileAvailable(redis, name, async () => {
      const was = await queue.isPaused();
      await (paused ? queue.pause() : queue.resume());
      return was;
    });
    await whileDatabaseAvailable(() =>
      db.transaction(async (sql) => {
        await setQueuePaused(sql, queues[name], paused ? change.actor.principal.subject : null);
        const what = { action: paused ? 'queue.pause' : 'queue.resume', resource: 'queue', resourceId: name };
        await insertAudit(sql, [auditEntry(change, { ...what, before: { paused: before }, after: { paused } })]);
      }),
    );
    cache.flush();
    return answerOf(name);
  };

  return [
    route({
      method: 'get',
      path: '/queues',
      access: 'user',
      summary: 'All queues at this moment',
      answers: { 200: queueListSchema },
      problems: unavailable,
      handler: async () => ({ status: 200, body: { queues: await cachedStats(queueNames) } }),
    }),

    route({
      method: 'get',
      path: '/queues/:queue/stats',
      access: 'user',
      summary: 'Counts by state, oldest waiting age, rates, paused',
      params,
      answers: { 200: queueAnswerSchema },
      problems: ['not_found', ...unavailable],
      handler: ({ params: { queue } }) => answerOf(queue),
    }),

    route({
      method: 'post',
      path: '/queues/:queue/pause',
      access: 'admin',
      summary: 'Start no more jobs of a queue; running ones go on, new ones are accepted',
      params,
      answers: { 200: queueAnswerSchema },
      problems: ['not_found', ...unavailable],
      handler: ({ params: { queue }, ...change }) => setPaused(queue, true, change),
    }),

    route({
      method: 'post',
      path: '/queues/:queue/resume',
      access: 'admin',
      summary: 'Start the jobs of a queue again',
      params,
      answers: { 200: queueAnswerSchema },
      problems: ['not_found', ...unavailable],
      handler: ({ params: { queue }, ...change }) => setPaused(queue, false, change),
    }),

    route({
      method: 'delete',
      path: '/queues/:queue/clean',
      access: 'admin',
      summary: 'Remove ended jobs of a queue from Redis',
      params,
      query: cleanQuerySchema,
      answers: { 200: cleanAnswerSchema },
      problems: ['not_found', ...unavailable],
      handler: async ({ params: { queue: name }, query: { state, olderThanMs, limit }, ...change }) => {
        const { queue, redis } = connections.of(name);
        let removed = 0;
        // One script for all of them would hold up every other command of that Redis.
        for (let got = cleanBatch; got === cleanBatch && removed < limit; removed += got) {
          const batch = Math.min(cleanBatch, limit - removed);
          got = (await whileAvailable(redis, name, () => queue.clean(olderThanMs, batch, state))).length;
        }
        const what = { action: 'queue.clean', resource: 'queue', resourceId: name };
        const entry = auditEntry(change, { ...what, after: { state, olderThanMs, removed } });
        await whileDatabaseAvailable(() => insertAudit(db, [entry]));
        return { status: 200, body: { removed, more: removed >= limit } };
      },
    }),

    route({
      method: 'get',
      path: '/queues/:queue/metrics',
      access: 'user',
      summary: 'What a queue was like over time',
      params,
      query: queueMetricsQuerySchema,
      answers: { 200: queueMetricsAnswerSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { queue }, query }) => {
        const to = query.to ?? now();
        const from = query.from ?? new Date(to.getTime() - 60 * minute);
        if (from >= to) {
          const errors = [{ path: 'from', message: 'must be before to', code: 'invalid_range' }];
          throw new Problem('validation_failed', { errors });
        }
        const rows = await whileDatabaseAvailable(() => listQueueMetrics(db, queue, from, to, mostMetrics + 1));
        const metrics = rows.slice(0, mostMetrics).map(({ queue: _, ...row }) => {
          const rate = (count: number) => (count * 60) / row.resolution;
          const rates = { enqueued: rate(row.enqueued), completed: rate(row.completed), failed: rate(row.failed) };
          return { ...row, rates, capturedAt: row.capturedAt.toISOString() };
        });
        return { status: 200, body: { queue, metrics, nextFrom: rows[mostMetrics]?.capturedAt.toISOString() ?? null } };
      },
    }),
  ];
}
