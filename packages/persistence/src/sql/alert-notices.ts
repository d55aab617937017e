import type { Sql } from '../database.ts';
import { type IncidentRow, incidentColumns } from './incidents.ts';

/** What a channel is to be told of an incident. */
export interface AlertNotice extends IncidentRow {
  /** How often this was tried, with this time. */
  attempts: number;
  /** When the channel was last told of it; null when it knows nothing yet. */
  toldAt: Date | null;
}

/** In milliseconds. */
export interface NoticeTiming {
  /** A warning waits this long for others to come with it. */
  gatherMs: number;
  /** An incident that has grown (`details.count`) is told again, but not sooner than this. */
  growthMs: number;
  /** Whoever claimed a notice and has not said what became of it within this is taken for dead. */
  leaseMs: number;
}

/** Every channel is to hear of what is not settled. */
export async function noteIncidents(sql: Sql, channels: readonly string[], now: Date): Promise<void> {
  await sql.query(
    'note-incidents',
    `INSERT INTO alert_notices (incident_id, channel, retry_at)
     SELECT i.id, c.channel, $2 FROM incidents i CROSS JOIN unnest($1::text[]) AS c(channel) WHERE i.settled_at IS NULL
     ON CONFLICT DO NOTHING`,
    [channels, now],
  );
}

/**
 * Takes what a channel is to be told now, the oldest first: what opened, grew worse or larger, or is over. A notice that is
 * taken is nobody else's for `leaseMs`; if its process dies before it says what became of it, it is taken again.
 */
export async function claimNotices(
  sql: Sql,
  channel: string,
  now: Date,
  timing: NoticeTiming,
  limit: number,
): Promise<AlertNotice[]> {
  const before = (ms: number) => new Date(now.getTime() - ms);
  const rows = await sql.query<AlertNotice>(
    'claim-notices',
    `WITH due AS MATERIALIZED (
       SELECT n.incident_id FROM alert_notices n JOIN incidents i ON i.id = n.incident_id
       WHERE n.channel = $1 AND n.done_at IS NULL AND n.retry_at <= $2 AND (i.settled_at IS NOT NULL
         OR i.closed_at IS NULL AND (i.severity = 'critical' OR i.opened_at <= $3) AND (n.told_at IS NULL
           OR i.severity = 'critical' AND n.told_severity = 'warning'
           OR n.told_at <= $4 AND COALESCE((i.details->>'count')::int, 0) > n.told_count))
       ORDER BY i.opened_at LIMIT $6 FOR UPDATE OF n SKIP LOCKED)
     UPDATE alert_notices n SET attempts = n.attempts + 1, retry_at = $5
     FROM due JOIN incidents i ON i.id = due.incident_id
     WHERE n.incident_id = due.incident_id AND n.channel = $1
     RETURNING ${incidentColumns}, n.attempts, n.told_at AS "toldAt"`,
    [channel, now, before(timing.gatherMs), before(timing.growthMs), before(-timing.leaseMs), limit],
  );
  return rows.sort((a, b) => a.openedAt.getTime() - b.openedAt.getTime());
}

/** The channel has taken it. */
export async function markTold(sql: Sql, channel: string, notice: AlertNotice, now: Date): Promise<void> {
  const { count } = notice.details;
  await sql.query(
    'mark-told',
    `UPDATE alert_notices SET attempts = 0, retry_at = $3, told_at = $3, told_severity = $4, told_count = $5, done_at = $6
     WHERE incident_id = $1 AND channel = $2`,
    [
      notice.id,
      channel,
      now,
      notice.severity,
      typeof count === 'number' ? count : 0,
      notice.settledAt === null ? null : now,
    ],
  );
}

/** The channel has not taken it; nobody tries before `retryAt`. */
export async function deferNotices(sql: Sql, channel: string, ids: readonly string[], retryAt: Date): Promise<void> {
  await sql.query(
    'defer-notices',
    'UPDATE alert_notices SET retry_at = $3 WHERE incident_id = ANY($1::uuid[]) AND channel = $2',
    [ids, channel, retryAt],
  );
}
