import type { FailureRecord } from '@queue-service/contracts';
import type { Sql } from '../database.ts';
import type { AttemptRecord, SettlingVerdict } from './critical-job-row.ts';

export interface JobReturn {
  id: string;
  fencing: number;
  delayMs: number;
  /** False gives the attempt back: rate limits, shutdowns and polls cost none. */
  usesAttempt: boolean;
  error: FailureRecord | null;
  attempt: AttemptRecord | null;
  /** True when it has not run: its crashes are still to be explained. */
  keepCrashes: boolean;
  /** Given while an end waits for the outcome of an effect; the verdict is null for a cancel, and kept once written. */
  settling: { verdict: SettlingVerdict | null } | null;
}

/** Puts a job back for another attempt. Null when the claim is lost. */
export async function returnCriticalJob(sql: Sql, job: JobReturn): Promise<Date | null> {
  const [row] = await sql.query<{ runAt: Date }>(
    'return-critical-job',
    `UPDATE critical_jobs SET status = 'pending', error = $5::jsonb, crashes = CASE WHEN $7 THEN crashes ELSE 0 END, leased_by = NULL, lease_until = NULL,
       attempts = attempts - CASE WHEN $4 THEN 0 ELSE 1 END, run_at = clock_timestamp() + $3::float8 * interval '1 millisecond',
       dispatched_at = NULL, attempt_log = attempt_log || $6::jsonb, settling = COALESCE(settling, $8::jsonb),
       settling_since = CASE WHEN $9 THEN COALESCE(settling_since, clock_timestamp()) ELSE settling_since END
     WHERE id = $1::uuid AND fencing = $2::bigint AND status = 'processing'
     RETURNING run_at AS "runAt"`,
    [
      job.id,
      job.fencing,
      job.delayMs,
      job.usesAttempt,
      job.error === null ? null : JSON.stringify(job.error),
      JSON.stringify(job.attempt === null ? [] : [job.attempt]),
      job.keepCrashes,
      job.settling?.verdict == null ? null : JSON.stringify(job.settling.verdict),
      job.settling !== null,
    ],
  );
  return row?.runAt ?? null;
}
