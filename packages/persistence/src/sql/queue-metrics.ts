import type { Sql } from '../database.ts';

/** A capture of one queue: its state at `capturedAt`, and what happened in the `resolution` seconds before. */
export interface QueueMetricRow {
  queue: string;
  resolution: number;
  waiting: number;
  active: number;
  delayed: number;
  completed: number;
  failed: number;
  enqueued: number;
  paused: boolean;
  oldestWaitingMs: number;
  capturedAt: Date;
}

/** A capture that is there already is left as it is: two leaders write none twice. */
export async function insertQueueMetrics(sql: Sql, rows: readonly QueueMetricRow[]): Promise<void> {
  await sql.query(
    'insert-queue-metrics',
    `INSERT INTO queue_metrics (queue, resolution, waiting, active, delayed, completed, failed, enqueued, paused, oldest_waiting_ms, captured_at)
     SELECT r.queue, r.resolution, r.waiting, r.active, r.delayed, r.completed, r.failed, r.enqueued, r.paused, r."oldestWaitingMs", r."capturedAt"
     FROM jsonb_to_recordset($1::jsonb) AS r(queue text, resolution int, waiting int, active int, delayed int, completed int,
       failed int, enqueued int, paused bool, "oldestWaitingMs" bigint, "capturedAt" timestamptz)
     ON CONFLICT (queue, resolution, captured_at) DO NOTHING`,
    [JSON.stringify(rows)],
  );
}

export interface QueueFlow {
  queue: string;
  completed: number;
  failed: number;
  enqueued: number;
}

/** What was accepted and what ended from `from` until before `to`, of all tiers. Queues where nothing happened are missing. */
export async function countQueueFlow(sql: Sql, from: Date, to: Date): Promise<QueueFlow[]> {
  const of = (table: string) => `
    SELECT queue, count(*) FILTER (WHERE status = 'completed') AS completed, count(*) FILTER (WHERE status = 'failed') AS failed, 0 AS enqueued
    FROM ${table} WHERE finished_at >= $1 AND finished_at < $2 GROUP BY queue
    UNION ALL
    SELECT queue, 0, 0, count(*) FROM ${table} WHERE created_at >= $1 AND created_at < $2 GROUP BY queue`;
  return sql.query(
    'count-queue-flow',
    `SELECT queue, sum(completed)::int AS completed, sum(failed)::int AS failed, sum(enqueued)::int AS enqueued
     FROM (${of('critical_jobs')} UNION ALL ${of('jobs')}) AS flow GROUP BY queue`,
    [from, to],
  );
}

/** Since when the longest-waiting of these money jobs has been due; null when none is left. */
export async function earliestRunAt(sql: Sql, ids: readonly string[]): Promise<Date | null> {
  const [row] = await sql.query<{ runAt: Date | null }>(
    'earliest-run-at',
    'SELECT min(run_at) AS "runAt" FROM critical_jobs WHERE id = ANY($1::uuid[])',
    [ids],
  );
  return row?.runAt ?? null;
}

/**
 * Replaces captures of one resolution by coarser ones, in whole intervals that ended before `before`: states become the
 * highest, counts the sum.
 * @param from seconds
 * @param to seconds
 */
export async function rollUpQueueMetrics(sql: Sql, from: number, to: number, before: Date): Promise<void> {
  await sql.query(
    'roll-up-queue-metrics',
    `WITH old AS (
       DELETE FROM queue_metrics
       WHERE resolution = $1 AND captured_at <= date_bin($2::int * interval '1 second', $3::timestamptz, 'epoch'::timestamptz)
       RETURNING *)
     INSERT INTO queue_metrics (queue, resolution, waiting, active, delayed, completed, failed, enqueued, paused, oldest_waiting_ms, captured_at)
     SELECT queue, $2, max(waiting), max(active), max(delayed), sum(completed), sum(failed), sum(enqueued), bool_or(paused),
       max(oldest_waiting_ms),
       date_bin($2::int * interval '1 second', captured_at - interval '1 millisecond', 'epoch'::timestamptz) + $2::int * interval '1 second'
     FROM old GROUP BY queue, 11
     ON CONFLICT (queue, resolution, captured_at) DO UPDATE SET
       waiting = greatest(queue_metrics.waiting, EXCLUDED.waiting), active = greatest(queue_metrics.active, EXCLUDED.active),
       delayed = greatest(queue_metrics.delayed, EXCLUDED.delayed), completed = queue_metrics.completed + EXCLUDED.completed,
       failed = queue_metrics.failed + EXCLUDED.failed, enqueued = queue_metrics.enqueued + EXCLUDED.enqueued,
       paused = queue_metrics.paused OR EXCLUDED.paused,
       oldest_waiting_ms = greatest(queue_metrics.oldest_waiting_ms, EXCLUDED.oldest_waiting_ms)`,
    [from, to, before],
  );
}

export async function deleteQueueMetrics(sql: Sql, before: Date): Promise<void> {
  await sql.query('delete-queue-metrics', 'DELETE FROM queue_metrics WHERE captured_at < $1', [before]);
}

/** Captures of one queue from `from` until before `to`, the earliest first, in whatever resolution they are kept. */
export async function listQueueMetrics(
  sql: Sql,
  queue: string,
  from: Date,
  to: Date,
  limit: number,
): Promise<QueueMetricRow[]> {
  return sql.query(
    'list-queue-metrics',
    `SELECT queue, resolution, waiting, active, delayed, completed, failed, enqueued, paused,
       oldest_waiting_ms::float8 AS "oldestWaitingMs", captured_at AS "capturedAt"
     FROM queue_metrics WHERE queue = $1 AND captured_at >= $2 AND captured_at < $3 ORDER BY captured_at LIMIT $4`,
    [queue, from, to, limit],
  );
}
