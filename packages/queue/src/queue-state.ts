import { queues } from '@queue-service/contracts';
import { earliestRunAt, type Sql } from '@queue-service/persistence';
import type { QueueConnection } from './redis/connections.ts';

/** A queue at one moment. */
export interface QueueState {
  /** Due and not started, of every priority, also while paused. */
  waiting: number;
  active: number;
  /** Waits for a retry, a poll or the producer's delay. */
  delayed: number;
  paused: boolean;
  /** How long the longest-waiting job has been due; 0 if there is none. */
  oldestWaitingMs: number;
}

/** BullMQ's priorities that this service uses; 0 is the plain list. */
const bullPriorities = Array.from({ length: 10 }, (_, index) => index + 1);
const scoreStep = 2 ** 32;

/**
 * The state of a queue by a few commands whose cost does not grow with what waits in it: jobs of one priority are served
 * in order, so the oldest is the first of one of them.
 *
 * The age counts from when a job was due. Of jobs without a row in the ledger that is known up to the last retry's
 * backoff.
 * @throws while Redis or, for money, PostgreSQL is away
 */
export async function readQueueState(connection: QueueConnection, sql: Sql, now: Date): Promise<QueueState> {
  const { queue } = connection;
  const [counts, paused, heads] = await Promise.all([
    queue.getJobCounts('wait', 'prioritized', 'active', 'delayed'),
    queue.isPaused(),
    headsOf(connection),
  ]);
  const { wait = 0, prioritized = 0, active = 0, delayed = 0 } = counts;
  const dueSince = heads.length === 0 ? null : await earliestDue(connection, sql, heads);
  return {
    waiting: wait + prioritized,
    active,
    delayed,
    paused,
    oldestWaitingMs: dueSince === null ? 0 : Math.max(0, now.getTime() - dueSince),
  };
}

/** The job that is served next of each priority. */
async function headsOf({ queue, redis }: QueueConnection): Promise<string[]> {
  const pipeline = redis.pipeline();
  pipeline.lindex(queue.toKey('wait'), -1);
  for (const priority of bullPriorities) {
    const lowest = priority * scoreStep;
    pipeline.zrangebyscore(queue.toKey('prioritized'), lowest, lowest + scoreStep - 1, 'LIMIT', 0, 1);
  }
  const replies = (await pipeline.exec()) ?? [];
  return replies.flatMap(([error, reply]) => {
    if (error) throw error;
    return (reply ?? []) as string | string[];
  });
}

async function earliestDue({ name, queue, redis }: QueueConnection, sql: Sql, ids: string[]): Promise<number | null> {
  if (queues[name].tier === 1) return (await earliestRunAt(sql, ids))?.getTime() ?? null;
  const pipeline = redis.pipeline();
  for (const id of ids) pipeline.hmget(queue.toKey(id), 'timestamp', 'opts', 'processedOn');
  const replies = (await pipeline.exec()) ?? [];
  const times = replies.flatMap(([error, reply]) => {
    if (error) throw error;
    const [timestamp, opts, processedOn] = reply as (string | null)[];
    if (timestamp === null || timestamp === undefined) return []; // Taken and gone since.
    const { delay = 0 } = JSON.parse(opts ?? '{}') as { delay?: number };
    return Math.max(Number(timestamp) + delay, Number(processedOn ?? 0));
  });
  return times.length === 0 ? null : Math.min(...times);
}
