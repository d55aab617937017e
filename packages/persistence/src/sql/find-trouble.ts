import type { Sql } from '../database.ts';

/** Open dead letters with one cause. */
export interface DeadLetterGroup {
  queue: string;
  type: string;
  code: string;
  count: number;
  oldest: Date;
}

export async function groupOpenDeadLetters(sql: Sql): Promise<DeadLetterGroup[]> {
  return sql.query(
    'group-open-dead-letters',
    `SELECT queue, type, COALESCE(error->>'code', 'unknown') AS code, count(*)::int AS count, min(created_at) AS oldest
     FROM dead_letters WHERE status = 'open' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
  );
}

/** Jobs of one type that are over but for an effect whose outcome is open. */
export interface OpenOutcomes {
  type: string;
  count: number;
  oldest: Date;
}

/** @param before those that have waited since before then */
export async function groupOpenOutcomes(sql: Sql, before: Date): Promise<OpenOutcomes[]> {
  return sql.query(
    'group-open-outcomes',
    `SELECT type, count(*)::int AS count, min(settling_since) AS oldest FROM critical_jobs
     WHERE status IN ('pending', 'processing') AND settling_since < $1 GROUP BY type ORDER BY type`,
    [before],
  );
}

/** The last capture of a queue, and how many of its jobs ended in the time before. */
export interface QueueProgress {
  queue: string;
  /** Null when the queue was never captured. */
  capturedAt: Date | null;
  waiting: number;
  active: number;
  paused: boolean;
  oldestWaitingMs: number;
  ended: number;
}

/** @param queues with how far to look back, in milliseconds */
export async function readProgress(
  sql: Sql,
  queues: readonly { queue: string; withinMs: number }[],
  now: Date,
): Promise<QueueProgress[]> {
  return sql.query(
    'read-progress',
    `SELECT q.queue, last.captured_at AS "capturedAt", COALESCE(last.waiting, 0) AS waiting, COALESCE(last.active, 0) AS active,
       COALESCE(last.paused, false) AS paused, COALESCE(last.oldest_waiting_ms, 0)::float8 AS "oldestWaitingMs", (
         SELECT COALESCE(sum(m.completed + m.failed), 0)::int FROM queue_metrics m
         WHERE m.queue = q.queue AND m.resolution = 15
           AND m.captured_at > $2::timestamptz - q."withinMs" * interval '1 millisecond') AS ended
     FROM jsonb_to_recordset($1::jsonb) AS q(queue text, "withinMs" float8)
     LEFT JOIN LATERAL (SELECT * FROM queue_metrics m WHERE m.queue = q.queue AND m.resolution = 15
       ORDER BY m.captured_at DESC LIMIT 1) AS last ON true`,
    [JSON.stringify(queues), now],
  );
}

export interface MissedFires {
  count: number;
  schedules: number;
  earliest: Date | null;
}

/** Times of schedules of the last week that were found since `since` to have passed without a fire. */
export async function countMissedFires(sql: Sql, since: Date): Promise<MissedFires> {
  const [row] = await sql.query<MissedFires>(
    'count-missed-fires',
    `SELECT count(*)::int AS count, count(DISTINCT schedule_id)::int AS schedules, min(fire_at) AS earliest
     FROM schedule_fires WHERE status = 'missed' AND created_at > $1 AND fire_at > $1::timestamptz - interval '7 days'`,
    [since],
  );
  return row ?? { count: 0, schedules: 0, earliest: null };
}
