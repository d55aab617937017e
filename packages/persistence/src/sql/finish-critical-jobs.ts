import type { FailureRecord } from '@queue-service/contracts';
import type { Sql } from '../database.ts';
import type { AttemptRecord } from './critical-job-row.ts';

export interface JobEnd {
  id: string;
  fencing: number;
  status: 'completed' | 'failed' | 'cancelled';
  result: Record<string, unknown> | null;
  error: FailureRecord | null;
  attempt: AttemptRecord | null;
}

/**
 * Ends jobs for their holders, many in one statement. A cancelled one gets its attempt back. A job missing from the answer was lost:
 * somebody else ends it.
 */
export async function finishCriticalJobs(sql: Sql, ends: readonly JobEnd[]): Promise<Set<string>> {
  const rows = await sql.query<{ id: string }>(
    'finish-critical-jobs',
    `UPDATE critical_jobs j SET status = r.status, result = NULLIF(r.result, 'null'), error = NULLIF(r.error, 'null'), leased_by = NULL,
       lease_until = NULL, finished_at = clock_timestamp(), attempts = j.attempts - CASE WHEN r.status = 'cancelled' THEN 1 ELSE 0 END,
       attempt_log = j.attempt_log || CASE WHEN r.attempt IS NULL OR r.attempt = 'null' THEN '[]'::jsonb ELSE jsonb_build_array(r.attempt) END
     FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, fencing bigint, status text, result jsonb, error jsonb, attempt jsonb)
     WHERE j.id = r.id AND j.fencing = r.fencing AND j.status = 'processing'
     RETURNING j.id`,
    [JSON.stringify(ends)],
  );
  return new Set(rows.map((row) => row.id));
}
