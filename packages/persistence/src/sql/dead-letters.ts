import type { deadLetterStatuses, FailureRecord } from '@queue-service/contracts';
import type { Sql } from '../database.ts';
import { conditions, type ListFilter, type ListPosition } from './conditions.ts';
import type { AttemptRecord } from './critical-job-row.ts';
import { renewEffects } from './effects.ts';
import type { DeadLetterReason } from './insert-dead-letter.ts';

export type DeadLetterStatus = (typeof deadLetterStatuses)[number];

/** `payload` is sealed. */
export interface DeadLetterRow {
  id: string;
  jobId: string;
  queue: string;
  type: string;
  tenantId: string;
  reason: DeadLetterReason;
  status: DeadLetterStatus;
  error: FailureRecord;
  attemptLog: AttemptRecord[];
  attempts: number;
  payload: unknown;
  payloadVersion: number;
  priority: number;
  maxAttempts: number;
  timeoutMs: number;
  flowId: string | null;
  flowStep: string | null;
  redrives: number;
  resolvedBy: string | null;
  resolvedReason: string | null;
  resolvedAt: Date | null;
  createdAt: Date;
}

const columns = `d.id, d.job_id AS "jobId", d.queue, d.type, d.tenant_id AS "tenantId", d.reason, d.status, d.error,
  d.attempt_log AS "attemptLog", d.attempts, d.payload, d.payload_version AS "payloadVersion", d.priority,
  d.max_attempts AS "maxAttempts", d.timeout_ms AS "timeoutMs", d.flow_id AS "flowId", d.flow_step AS "flowStep",
  d.redrives, d.resolved_by AS "resolvedBy", d.resolved_reason AS "resolvedReason", d.resolved_at AS "resolvedAt",
  d.created_at AS "createdAt"`;

/** Newest first, after a position. */
export async function listDeadLetters(
  sql: Sql,
  filter: ListFilter,
  after: ListPosition | null,
  limit: number,
): Promise<DeadLetterRow[]> {
  const where = conditions('d', filter, after);
  return sql.query(
    `list-dead-letters-${where.name}`,
    `SELECT ${columns} FROM dead_letters d ${where.text}
     ORDER BY d.created_at DESC, d.id DESC LIMIT $${where.values.length + 1}`,
    [...where.values, limit],
  );
}

/** A letter by its own id or its job's. Locked, it is resolved once. */
export async function findDeadLetter(
  sql: Sql,
  by: { id: string } | { jobId: string },
  tenantId: string | null,
  lock: boolean,
): Promise<DeadLetterRow | null> {
  const [column, value] = 'id' in by ? ['id', by.id] : ['job_id', by.jobId];
  const [row] = await sql.query<DeadLetterRow>(
    `find-dead-letter-by-${column}${lock ? '-locked' : ''}`,
    `SELECT ${columns} FROM dead_letters d
     WHERE d.${column} = $1::uuid AND ($2::text IS NULL OR d.tenant_id = $2) ${lock ? 'FOR UPDATE' : ''}`,
    [value, tenantId],
  );
  return row ?? null;
}

export async function resolveDeadLetter(
  sql: Sql,
  id: string,
  how: { status: 'redriven' | 'discarded'; by: string; reason: string | null },
): Promise<DeadLetterRow | null> {
  const [row] = await sql.query<DeadLetterRow>(
    'resolve-dead-letter',
    `UPDATE dead_letters d SET status = $2, resolved_by = $3, resolved_reason = $4, resolved_at = now(),
       redrives = d.redrives + CASE WHEN $2 = 'redriven' THEN 1 ELSE 0 END
     WHERE d.id = $1::uuid AND d.status = 'open' RETURNING ${columns}`,
    [id, how.status, how.by, how.reason],
  );
  return row ?? null;
}

/**
 * A money job that failed, or was cancelled, is pending again with all its attempts. What was refused, or did not
 * happen, is asked for again under a new key; what was done is not done again. False when the job has no such end.
 */
export async function reviveCriticalJob(sql: Sql, jobId: string): Promise<boolean> {
  const rows = await sql.query(
    'revive-critical-job',
    `UPDATE critical_jobs SET status = 'pending', attempts = 0, crashes = 0, error = NULL, finished_at = NULL,
       cancel_requested_at = NULL, settling = NULL, settling_since = NULL, leased_by = NULL, lease_until = NULL,
       run_at = now(), dispatched_at = NULL
     WHERE id = $1::uuid AND status IN ('failed', 'cancelled') RETURNING id`,
    [jobId],
  );
  if (rows.length === 0) return false;
  await renewEffects(sql, jobId);
  return true;
}

/** The history of a failed or cancelled job of the other queues says again that it waits. */
export async function reviveHistoryJob(sql: Sql, jobId: string): Promise<void> {
  await sql.query(
    'revive-history-job',
    `UPDATE jobs SET status = 'pending', attempts = 0, error = NULL, finished_at = NULL, started_at = NULL
     WHERE id = $1::uuid AND status IN ('failed', 'cancelled')`,
    [jobId],
  );
}
