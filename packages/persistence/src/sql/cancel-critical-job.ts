import type { FailureRecord } from '@queue-service/contracts';
import type { Sql } from '../database.ts';
import { type CriticalJobRow, criticalJobColumns } from './critical-job-row.ts';
import { type EffectStatus, effectStatus } from './effects.ts';

/** The row of a job, locked until the end of the transaction: nobody claims or ends it meanwhile. */
export async function lockCriticalJob(sql: Sql, id: string, tenantId: string | null): Promise<CriticalJobRow | null> {
  const [row] = await sql.query<CriticalJobRow>(
    'lock-critical-job',
    `SELECT ${criticalJobColumns} FROM critical_jobs j
     WHERE j.id = $1::uuid AND ($2::text IS NULL OR j.tenant_id = $2) FOR UPDATE`,
    [id, tenantId],
  );
  return row ?? null;
}

/** An effect that was carried out, or may have been. */
export interface ActedEffect {
  name: string;
  status: EffectStatus;
  providerId: string | null;
}

/** What a job has done in the outside world, as far as is known: all that a cancel cannot undo. */
export async function listActedEffects(sql: Sql, jobId: string): Promise<ActedEffect[]> {
  return sql.query(
    'list-acted-effects',
    `SELECT name, status, provider_id AS "providerId" FROM effects e
     WHERE job_id = $1::uuid AND ${effectStatus('e')} IN ('sent', 'unknown', 'confirmed')
     ORDER BY created_at, name`,
    [jobId],
  );
}

/** Ends a job that waits. */
export async function cancelPendingJob(sql: Sql, id: string, error: FailureRecord): Promise<CriticalJobRow | null> {
  const [row] = await sql.query<CriticalJobRow>(
    'cancel-pending-job',
    `UPDATE critical_jobs j SET status = 'cancelled', error = $2::jsonb, finished_at = clock_timestamp(),
       cancel_requested_at = COALESCE(j.cancel_requested_at, clock_timestamp())
     WHERE j.id = $1::uuid AND j.status = 'pending' RETURNING ${criticalJobColumns}`,
    [id, JSON.stringify(error)],
  );
  return row ?? null;
}

/**
 * Marks an unfinished job as to be cancelled: who runs it sees that with the next renewal of its lease, who claims it
 * next, at once. One that waits for a later time is due now.
 */
export async function requestCancel(sql: Sql, id: string): Promise<void> {
  await sql.query(
    'request-cancel',
    `UPDATE critical_jobs SET cancel_requested_at = COALESCE(cancel_requested_at, clock_timestamp()),
       run_at = CASE WHEN status = 'pending' THEN LEAST(run_at, clock_timestamp()) ELSE run_at END,
       dispatched_at = CASE WHEN status = 'pending' THEN NULL ELSE dispatched_at END
     WHERE id = $1::uuid AND status IN ('pending', 'processing')`,
    [id],
  );
}
