import type { Sql } from '../database.ts';
import type { QueueMetricRow } from './queue-metrics.ts';

/** A capture with its place in the pages. */
export interface ReportedQueueMetric extends QueueMetricRow {
  id: string;
}

interface Span {
  from: Date;
  to: Date;
}

/** The next page, oldest first. */
export async function pageQueueMetrics(
  sql: Sql,
  { from, to }: Span,
  after: ReportedQueueMetric | null,
  limit: number,
): Promise<ReportedQueueMetric[]> {
  return sql.query(
    'report-queue-health',
    `SELECT m.id::text AS id, m.captured_at AS "capturedAt", m.queue, m.resolution, m.waiting, m.active, m.delayed, m.completed,
       m.failed, m.enqueued, m.paused, m.oldest_waiting_ms::float8 AS "oldestWaitingMs"
     FROM queue_metrics m
     WHERE m.captured_at < $2 AND m.captured_at >= $1 AND (m.captured_at, m.id) > ($3::timestamptz, $4::bigint)
     ORDER BY m.captured_at, m.id LIMIT $5`,
    [from, to, after?.capturedAt ?? new Date(0), after?.id ?? '0', limit],
  );
}

/** The most that waited in each queue, in `buckets` equal parts of the period. */
export async function peakWaiting(
  sql: Sql,
  { from, to }: Span,
  buckets: number,
): Promise<{ queue: string; bucket: number; waiting: number }[]> {
  return sql.query(
    'report-peak-waiting',
    `SELECT m.queue, floor(extract(epoch FROM m.captured_at - $1::timestamptz)
         / extract(epoch FROM $2::timestamptz - $1::timestamptz) * $3::int)::int AS bucket,
       MAX(m.waiting) AS waiting
     FROM queue_metrics m WHERE m.captured_at >= $1::timestamptz AND m.captured_at < $2::timestamptz
     GROUP BY 1, 2 ORDER BY 1, 2`,
    [from, to, buckets],
  );
}
