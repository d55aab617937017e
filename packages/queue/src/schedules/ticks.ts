import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@queue-service/observability';
import type { UpcomingRun } from '@queue-service/persistence';
import { ErrorCode, Queue, Worker } from 'bullmq';
import { coalesce } from '../coalesce.ts';
import { whileAvailable } from '../redis/availability.ts';
import { duplicateWaiting } from '../redis/client.ts';
import type { Connections } from '../redis/connections.ts';

/** Wakes the scheduler at the right moment. Never decides whether a schedule fires: PostgreSQL does. */
export interface Ticks {
  /**
   * Sets the next tick of each schedule in place of its former one.
   * @throws QueueUnavailableError
   */
  set(runs: readonly UpcomingRun[]): Promise<void>;
  /** @throws QueueUnavailableError */
  clear(scheduleIds: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

const queueName = 'schedules';
/** Commands on their way at once: enough to fill the connection, few enough not to hold up the API's commands. */
const inFlight = 200;
const closeMs = 5_000;

/**
 * Ticks by BullMQ job schedulers, one a schedule, in a queue of their own on the background queue's Redis. Each holds one
 * time, computed where all times are computed, so that BullMQ's idea of cron and ours cannot differ; upserting under the
 * schedule's id replaces the former tick when a schedule is changed.
 *
 * Only schedules that fire soon are to be set. A hundred thousand job schedulers were measured at 166 MB of Redis and 15 s
 * of one core to set, which after a FLUSHALL is longer than it may take; of as many that fire hourly, 1,700 fire within
 * the next minute, and those are back within a second.
 */
export function openTicks(options: {
  connections: Connections;
  log: Logger;
  /** Ticks of one moment come together. */
  onTicks: (scheduleIds: string[]) => Promise<void>;
}): Ticks {
  const { redis, prefix } = options.connections.of('background');
  const settings = { repeatStrategy };
  const queue = new Queue(queueName, { connection: redis, prefix, settings, skipVersionCheck: true });
  queue.on('error', () => {}); // The connection's own listener has told it.
  const workerRedis = duplicateWaiting(redis);
  workerRedis.on('error', () => {}); // The same server as above.
  const tick = coalesce<string, null>(
    async (ids) => {
      await options.onTicks([...new Set(ids)]);
      return ids.map(() => null);
    },
    { maxBatch: 200, maxInFlight: 2 },
  );
  const worker = new Worker<{ scheduleId: string }>(queueName, (job) => tick(job.data.scheduleId), {
    connection: workerRedis,
    prefix,
    settings,
    concurrency: inFlight,
  });
  worker.on('error', (error) => options.log.debug({ err: error }, 'The worker of ticks met an error'));

  const each = async <Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>) => {
    for (let start = 0; start < items.length; start += inFlight) {
      await whileAvailable(redis, queueName, () => Promise.all(items.slice(start, start + inFlight).map(work)));
    }
  };

  return {
    set: (runs) =>
      each(runs, ({ id, nextRun }) =>
        queue
          .upsertJobScheduler(
            id,
            { pattern: nextRun.toISOString() },
            { name: 'tick', data: { scheduleId: id }, opts: { removeOnComplete: true, removeOnFail: true } },
          )
          .catch((error: unknown) => {
            // This very tick is being worked on.
            if ((error as { code?: unknown }).code !== ErrorCode.SchedulerJobIdCollision) throw error;
          }),
      ),
    clear: (ids) => each(ids, (id) => queue.removeJobScheduler(id)),
    close: async () => {
      // While Redis is away BullMQ would wait for it without end.
      const closing = Promise.allSettled([worker.close(), queue.close()]);
      await Promise.race([closing, sleep(redis.status === 'ready' ? closeMs : 0, undefined, { ref: false })]);
      workerRedis.disconnect();
    },
  };
}

/**
 * The pattern of a job scheduler is the time of its one tick, at once where that has passed. BullMQ asks again when the
 * tick is taken (then `count` is given): there is no next one until it is set.
 */
function repeatStrategy(nowMs: number, options: { pattern?: string; count?: number }): number | undefined {
  return options.count === undefined ? Math.max(Date.parse(options.pattern ?? ''), nowMs) : undefined;
}
