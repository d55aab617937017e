import type { Sql } from '../database.ts';
import { type AttemptRecord, type CriticalJobRow, criticalJobColumns } from './critical-job-row.ts';

export interface ClaimedJob extends CriticalJobRow {
  payload: Record<string, unknown>;
  payloadVersion: number;
  attemptLog: AttemptRecord[];
}

/**
 * Takes these jobs for one worker: a lease, and a fencing number that makes every earlier holder's writes void. A job
 * that is finished, not due, or leased by a living worker is missing from the answer. A job whose holder died keeps its
 * number of attempts and counts a crash instead: a poison job is told apart from a failing one.
 */
export async function claimCriticalJobs(
  sql: Sql,
  ids: readonly string[],
  worker: string,
  leaseMs: number,
): Promise<ClaimedJob[]> {
  return sql.query(
    'claim-critical-jobs',
    `UPDATE critical_jobs j SET
       status = 'processing',
       fencing = j.fencing + 1,
       attempts = j.attempts + CASE WHEN j.status = 'pending' THEN 1 ELSE 0 END,
       crashes = j.crashes + CASE WHEN j.status = 'processing' THEN 1 ELSE 0 END,
       leased_by = $2,
       claimed_at = clock_timestamp(),
       attempt_log = j.attempt_log || CASE WHEN j.status = 'processing' THEN jsonb_build_array(jsonb_build_object(
         'attempt', j.attempts, 'worker', j.leased_by, 'startedAt', COALESCE(j.claimed_at, j.lease_until),
         'endedAt', j.lease_until, 'outcome', 'crashed',
         'error', jsonb_build_object('code', 'worker_lost', 'message', 'Its worker died, or was cut off', 'retryable', true)))
         ELSE '[]'::jsonb END,
       lease_until = clock_timestamp() + $3::float8 * interval '1 millisecond',
       started_at = COALESCE(j.started_at, clock_timestamp())
     FROM (
       SELECT id FROM critical_jobs
       WHERE id = ANY($1::uuid[])
         AND (status = 'pending' AND run_at <= clock_timestamp() + interval '50 milliseconds'
           OR status = 'processing' AND lease_until < clock_timestamp())
       ORDER BY id FOR UPDATE SKIP LOCKED
     ) due
     WHERE j.id = due.id
     RETURNING ${criticalJobColumns}, j.payload, j.payload_version AS "payloadVersion", j.attempt_log AS "attemptLog"`,
    [ids, worker, leaseMs],
  );
}
