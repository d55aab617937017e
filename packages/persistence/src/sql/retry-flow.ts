import type { Sql } from '../database.ts';
import type { FlowStepRow } from './flow-steps.ts';

/** What a retry of a flow is decided from, of each step. */
export type StepForRetry = Pick<
  FlowStepRow,
  'name' | 'queue' | 'status' | 'onFailure' | 'jobId' | 'compensationQueue' | 'compensationStatus' | 'compensationJobId'
>;

export async function listStepsForRetry(sql: Sql, flowId: string): Promise<StepForRetry[]> {
  return sql.query(
    'list-steps-for-retry',
    `SELECT name, queue, status, on_failure AS "onFailure", job_id AS "jobId", compensation_queue AS "compensationQueue",
       compensation_status AS "compensationStatus", compensation_job_id AS "compensationJobId"
     FROM flow_steps WHERE flow_id = $1 ORDER BY position`,
    [flowId],
  );
}

const fresh = `attempts = 0, result = NULL, error = NULL, started_at = NULL, finished_at = NULL, cancel_requested_at = NULL,
  dispatched_at = NULL, released_at = clock_timestamp()`;

/** Steps whose job starts again, under its own id. */
export async function reviveSteps(sql: Sql, flowId: string, names: readonly string[]): Promise<void> {
  await sql.query(
    'revive-steps',
    `UPDATE flow_steps SET status = 'pending', ${fresh} WHERE flow_id = $1 AND name = ANY($2::text[])`,
    [flowId, names],
  );
}

/** Steps that have yet to get a job, or get a new one. */
export async function resetSteps(sql: Sql, flowId: string, names: readonly string[]): Promise<void> {
  await sql.query(
    'reset-steps',
    `UPDATE flow_steps SET status = 'waiting', job_id = NULL, resolved = NULL, ${fresh}
     WHERE flow_id = $1 AND name = ANY($2::text[])`,
    [flowId, names],
  );
}

/** Compensations whose job starts again; `reset` ones have none and get one. */
export async function reviveCompensations(
  sql: Sql,
  flowId: string,
  names: readonly string[],
  reset: boolean,
): Promise<void> {
  await sql.query(
    'revive-compensations',
    `UPDATE flow_steps SET compensation_status = CASE WHEN $3 THEN NULL ELSE 'pending' END, compensation_result = NULL,
       released_at = clock_timestamp(), dispatched_at = NULL
     WHERE flow_id = $1 AND name = ANY($2::text[])`,
    [flowId, names, reset],
  );
}

/** The letters of jobs that start again with their flow. */
export async function resolveLettersOf(sql: Sql, jobIds: readonly string[], by: string): Promise<void> {
  await sql.query(
    'resolve-letters-of',
    `UPDATE dead_letters SET status = 'redriven', resolved_by = $2, resolved_reason = NULL, resolved_at = now(),
       redrives = redrives + 1
     WHERE job_id = ANY($1::uuid[]) AND status = 'open'`,
    [jobIds, by],
  );
}
