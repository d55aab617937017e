import { queues } from '@queue-service/contracts';
import { earliestRunAt, type Sql } from '@queue-service/persistence';
import { scoresOf } from './fairness/bands.ts';
import { canaryId } from './host/canary.ts';
import type { QueueConnection } from './redis/connections.ts';

/** A queue at one moment. A waiting canary is nobody's work and counts nowhere. */
export interface QueueState {
  /** Due and not started, of every priority, also while paused. */
  waiting: number;
  active: number;
  /** Waits for a retry, a poll, a cap of its tenant or the producer's delay. */
  delayed: number;
  paused: boolean;
  /** How long the longest-waiting job has been due; 0 if there is none. */
  oldestWaitingMs: number;
}

const priorities = Array.from({ length: 10 }, (_, index) => index + 1);

/** Of each priority, how many of those served next are looked at. */
const looked = 20;

/**
 * The state of a queue by a few commands whose cost does not grow with what waits in it: jobs of one priority and tenant
 * are served in order, and the tenants take turns, so the oldest is among the first. With more than twenty tenants
 * waiting it may be one of the same round that is missed: the age is then too low by less than a round takes.
 *
 * The age counts from when a job was due. Of jobs without a row in the ledger that is known up to the last retry's
 * backoff.
 * @throws while Redis or, for money, PostgreSQL is away
 */
export async function readQueueState(connection: QueueConnection, sql: Sql, now: Date): Promise<QueueState> {
  const { queue, redis } = connection;
  const [counts, paused, heads, canary] = await Promise.all([
    queue.getJobCounts('wait', 'prioritized', 'active', 'delayed'),
    queue.isPaused(),
    headsOf(connection),
    redis.zscore(queue.toKey('prioritized'), canaryId),
  ]);
  const { wait = 0, prioritized = 0, active = 0, delayed = 0 } = counts;
  const dueSince = heads.length === 0 ? null : await earliestDue(connection, sql, heads);
  return {
    // It may have been added after the jobs were counted.
    waiting: Math.max(0, wait + prioritized - (canary === null ? 0 : 1)),
    active,
    delayed,
    paused,
    oldestWaitingMs: dueSince === null ? 0 : Math.max(0, now.getTime() - dueSince),
  };
}

/** The jobs that are served next of each priority. */
async function headsOf({ queue, redis }: QueueConnection): Promise<string[]> {
  const pipeline = redis.pipeline();
  pipeline.lindex(queue.toKey('wait'), -1);
  for (const priority of priorities) {
    const { tags, intake, overflow, end } = scoresOf(priority);
    for (const [from, to, count] of [
      [tags, intake, looked],
      [intake, overflow, 1],
      [overflow, end, 1],
    ] as const)
      pipeline.zrangebyscore(queue.toKey('prioritized'), from, `(${to}`, 'LIMIT', 0, count);
  }
  const replies = (await pipeline.exec()) ?? [];
  return replies
    .flatMap(([error, reply]) => {
      if (error) throw error;
      return (reply ?? []) as string | string[];
    })
    .filter((id) => id !== canaryId);
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
