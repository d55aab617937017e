import type { FailureRecord } from '@queue-service/contracts';
import type { Sql } from '../database.ts';
import { type CriticalJobRow, criticalJobColumns } from './critical-job-row.ts';

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

/** True when an effect of the job was carried out, or may have been. */
export async function mayHaveActed(sql: Sql, jobId: string): Promise<boolean> {
  const rows = await sql.query(
    'may-have-acted',
    // An intended effect with a code ended before anything left.
    `SELECT 1 AS found FROM effects
     WHERE job_id = $1::uuid AND (status IN ('confirmed', 'unknown') OR status = 'intended' AND code IS NULL) LIMIT 1`,
    [jobId],
  );
  return rows.length > 0;
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

/** Asks the worker that runs a job to stop; it sees it with the next renewal of its lease. */
export async function requestCancel(sql: Sql, id: string): Promise<void> {
  await sql.query(
    'request-cancel',
    `UPDATE critical_jobs SET cancel_requested_at = COALESCE(cancel_requested_at, clock_timestamp())
     WHERE id = $1::uuid AND status = 'processing'`,
    [id],
  );
}
