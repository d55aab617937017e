import type { FailureRecord, StepStatus } from '@queue-service/contracts';
import type { Sql } from '../database.ts';

/** A row of `flow_steps` without its payloads. Everything here that writes wants the flow locked. */
export interface FlowStepRow {
  flowId: string;
  name: string;
  position: number;
  queue: string;
  type: string;
  status: StepStatus;
  dependsOn: string[];
  onFailure: 'fail' | 'continue' | 'compensate';
  jobId: string | null;
  attempts: number;
  result: Record<string, unknown> | null;
  error: FailureRecord | null;
  compensationType: string | null;
  compensationQueue: string | null;
  compensationStatus: 'pending' | 'completed' | 'failed' | null;
  compensationJobId: string | null;
  compensationResult: Record<string, unknown> | null;
  startedAt: Date | null;
  finishedAt: Date | null;
}

const columns = `s.flow_id AS "flowId", s.name, s.position, s.queue, s.type, s.status, s.depends_on AS "dependsOn",
  s.on_failure AS "onFailure", s.job_id AS "jobId", s.attempts, s.result, s.error, s.compensation_type AS "compensationType",
  s.compensation_queue AS "compensationQueue", s.compensation_status AS "compensationStatus",
  s.compensation_job_id AS "compensationJobId", s.compensation_result AS "compensationResult", s.started_at AS "startedAt",
  s.finished_at AS "finishedAt"`;

export async function listFlowSteps(sql: Sql, flowId: string): Promise<FlowStepRow[]> {
  return sql.query('list-flow-steps', `SELECT ${columns} FROM flow_steps s WHERE s.flow_id = $1 ORDER BY s.position`, [
    flowId,
  ]);
}

export interface NewFlowStep {
  name: string;
  position: number;
  queue: string;
  type: string;
  /** Sealed. */
  payload: unknown;
  payloadVersion: number;
  options: unknown;
  dependsOn: string[];
  onFailure: string;
  compensationType: string | null;
  compensationQueue: string | null;
  /** Sealed. */
  compensationPayload: unknown;
  compensationVersion: number | null;
}

export async function insertFlowSteps(sql: Sql, flowId: string, steps: readonly NewFlowStep[]): Promise<void> {
  await sql.query(
    'insert-flow-steps',
    `INSERT INTO flow_steps (flow_id, name, position, queue, type, payload, payload_version, options, depends_on,
       on_failure, compensation_type, compensation_queue, compensation_payload, compensation_version)
     SELECT $1, r.name, r.position, r.queue, r.type, r.payload, r."payloadVersion", r.options,
       ARRAY(SELECT jsonb_array_elements_text(r."dependsOn")), r."onFailure",
       r."compensationType", r."compensationQueue", NULLIF(r."compensationPayload", 'null'), r."compensationVersion"
     FROM jsonb_to_recordset($2::jsonb) AS r(name text, position int, queue text, type text, payload jsonb, "payloadVersion" int,
       options jsonb, "dependsOn" jsonb, "onFailure" text, "compensationType" text, "compensationQueue" text,
       "compensationPayload" jsonb, "compensationVersion" int)`,
    [flowId, JSON.stringify(steps)],
  );
}

/** All that the next move of a flow is decided from, however many steps it has. */
export interface FlowView {
  /** Steps that wait for others. */
  waiting: boolean;
  /** Steps whose job has not ended. */
  open: boolean;
  /** A step ended in a way its flow does not survive. */
  dead: boolean;
  /** A step that did so asks for what was done to be undone. */
  undo: boolean;
  /** A step that has not completed asks for it: what counts when the flow is cancelled. */
  undoIfCancelled: boolean;
  compensating: boolean;
  compensationFailed: boolean;
  /** The completed step that ended last, is not undone and can be. */
  nextCompensation: string | null;
  /** Waiting steps of which all that they depend on has ended. */
  ready: string[];
}

/**
 * @param ended the steps that ended since the last look: only what depends on them is looked at, and what depends on
 *   nothing. Null looks at all that wait
 */
export async function viewFlow(sql: Sql, flowId: string, ended: readonly string[] | null): Promise<FlowView> {
  const [view] = await sql.query<FlowView>(
    'view-flow',
    `SELECT bool_or(s.status = 'waiting') AS waiting, bool_or(s.status = 'pending') AS open,
       bool_or(s.status IN ('failed', 'cancelled') AND s.on_failure <> 'continue') AS dead,
       bool_or(s.status IN ('failed', 'cancelled') AND s.on_failure = 'compensate') AS undo,
       bool_or(s.status IN ('failed', 'cancelled', 'skipped') AND s.on_failure = 'compensate') AS "undoIfCancelled",
       COALESCE(bool_or(s.compensation_status = 'pending'), false) AS compensating,
       COALESCE(bool_or(s.compensation_status = 'failed'), false) AS "compensationFailed",
       (SELECT c.name FROM flow_steps c
        WHERE c.flow_id = $1 AND c.status = 'completed' AND c.compensation_type IS NOT NULL AND c.compensation_status IS NULL
        ORDER BY c.finished_at DESC, c.position DESC LIMIT 1) AS "nextCompensation",
       ARRAY(SELECT w.name FROM flow_steps w
        WHERE w.flow_id = $1 AND w.status = 'waiting'
          AND ($2::text[] IS NULL OR cardinality(w.depends_on) = 0 OR w.depends_on && $2)
          AND (cardinality(w.depends_on) = 0 OR NOT EXISTS (SELECT 1 FROM flow_steps d
            WHERE d.flow_id = $1 AND d.status IN ('waiting', 'pending') AND d.name = ANY(w.depends_on)))
        ORDER BY w.position) AS ready
     FROM flow_steps s WHERE s.flow_id = $1`,
    [flowId, ended],
  );
  if (view === undefined) throw new Error(`the flow ${flowId} has no steps`);
  return view;
}

/** What a job is made of, with its references; sealed. */
export interface StepPayload {
  name: string;
  type: string;
  payload: Record<string, unknown>;
  payloadVersion: number;
  options: { priority?: number; attempts?: number; timeoutMs?: number; delayMs?: number };
}

export async function loadStepPayloads(sql: Sql, flowId: string, names: readonly string[]): Promise<StepPayload[]> {
  return sql.query(
    'load-step-payloads',
    `SELECT name, type, payload, payload_version AS "payloadVersion", options FROM flow_steps
     WHERE flow_id = $1 AND name = ANY($2::text[]) ORDER BY position`,
    [flowId, names],
  );
}

/** The same for the compensation of a step. */
export async function loadCompensation(sql: Sql, flowId: string, name: string): Promise<StepPayload | null> {
  const [row] = await sql.query<StepPayload>(
    'load-compensation',
    `SELECT name, compensation_type AS type, compensation_payload AS payload, compensation_version AS "payloadVersion",
       '{}'::jsonb AS options FROM flow_steps
     WHERE flow_id = $1 AND name = $2 AND compensation_type IS NOT NULL`,
    [flowId, name],
  );
  return row ?? null;
}

/** What steps offer to the payloads of others. */
export async function loadStepOutputs(
  sql: Sql,
  flowId: string,
  names: readonly string[],
): Promise<Pick<FlowStepRow, 'name' | 'jobId' | 'result'>[]> {
  return sql.query(
    'load-step-outputs',
    `SELECT name, job_id AS "jobId", result FROM flow_steps WHERE flow_id = $1 AND name = ANY($2::text[])`,
    [flowId, names],
  );
}

/** A job that was made for a step, or why none can be. `payload` is sealed. */
export type MadeJob = { name: string } & (
  | { jobId: string; resolved: { version: number; payload: unknown }; error?: never }
  | { error: FailureRecord; jobId?: never; resolved?: never }
);

/** Waiting steps get their job; those that can have none have failed. */
export async function releaseSteps(sql: Sql, flowId: string, made: readonly MadeJob[]): Promise<void> {
  await sql.query(
    'release-steps',
    `UPDATE flow_steps s SET status = CASE WHEN r.error IS NULL THEN 'pending' ELSE 'failed' END, job_id = r."jobId",
       resolved = r.resolved, error = r.error, released_at = clock_timestamp(), dispatched_at = NULL,
       finished_at = CASE WHEN r.error IS NOT NULL THEN clock_timestamp() END
     FROM jsonb_to_recordset($2::jsonb) AS r(name text, "jobId" uuid, resolved jsonb, error jsonb)
     WHERE s.flow_id = $1 AND s.name = r.name AND s.status = 'waiting'`,
    [flowId, JSON.stringify(made)],
  );
}

/** The same for the compensation of a completed step. */
export async function startCompensation(sql: Sql, flowId: string, made: MadeJob): Promise<void> {
  await sql.query(
    'start-compensation',
    `UPDATE flow_steps SET compensation_status = CASE WHEN $5::jsonb IS NULL THEN 'pending' ELSE 'failed' END,
       compensation_job_id = $3::uuid, compensation_resolved = $4::jsonb, released_at = clock_timestamp(), dispatched_at = NULL,
       compensation_result = CASE WHEN $5::jsonb IS NULL THEN NULL ELSE jsonb_build_object('error', $5::jsonb) END
     WHERE flow_id = $1 AND name = $2 AND status = 'completed' AND compensation_status IS NULL`,
    [
      flowId,
      made.name,
      made.jobId ?? null,
      made.resolved === undefined ? null : JSON.stringify(made.resolved),
      made.error === undefined ? null : JSON.stringify(made.error),
    ],
  );
}

/** How a step's job, or its compensation's, has ended. Times are ISO texts. */
export interface StepEndRecord {
  name: string;
  jobId: string;
  status: 'completed' | 'failed' | 'cancelled';
  attempts: number;
  result: Record<string, unknown> | null;
  error: FailureRecord | null;
  startedAt: string | null;
}

const ends = `jsonb_to_recordset($2::jsonb) AS r(name text, "jobId" uuid, status text, attempts int, result jsonb, error jsonb,
  "startedAt" timestamptz)`;

/** Answers the steps that had not ended before; ends of jobs that a step has no longer change nothing. */
export async function endSteps(sql: Sql, flowId: string, records: readonly StepEndRecord[]): Promise<string[]> {
  const rows = await sql.query<{ name: string }>(
    'end-steps',
    `UPDATE flow_steps s SET status = r.status, attempts = r.attempts, result = NULLIF(r.result, 'null'),
       error = NULLIF(r.error, 'null'), started_at = r."startedAt", finished_at = clock_timestamp()
     FROM ${ends}
     WHERE s.flow_id = $1 AND s.name = r.name AND s.job_id = r."jobId" AND s.status = 'pending' RETURNING s.name`,
    [flowId, JSON.stringify(records)],
  );
  return rows.map(({ name }) => name);
}

/** Answers how many had not ended before. */
export async function endCompensations(sql: Sql, flowId: string, records: readonly StepEndRecord[]): Promise<number> {
  const rows = await sql.query(
    'end-compensations',
    `UPDATE flow_steps s SET compensation_status = CASE WHEN r.status = 'completed' THEN 'completed' ELSE 'failed' END,
       compensation_result = COALESCE(NULLIF(r.result, 'null'), jsonb_build_object('error', r.error))
     FROM ${ends}
     WHERE s.flow_id = $1 AND s.name = r.name AND s.compensation_job_id = r."jobId" AND s.compensation_status = 'pending'
     RETURNING s.name`,
    [flowId, JSON.stringify(records)],
  );
  return rows.length;
}

/** Nothing new starts: waiting steps are skipped. Answers the jobs that are to be cancelled and were not before. */
export async function stopSteps(sql: Sql, flowId: string): Promise<string[]> {
  await sql.query(
    'skip-steps',
    `UPDATE flow_steps SET status = 'skipped', finished_at = clock_timestamp() WHERE flow_id = $1 AND status = 'waiting'`,
    [flowId],
  );
  const rows = await sql.query<{ jobId: string }>(
    'cancel-steps',
    `UPDATE flow_steps SET cancel_requested_at = clock_timestamp()
     WHERE flow_id = $1 AND status = 'pending' AND cancel_requested_at IS NULL RETURNING job_id AS "jobId"`,
    [flowId],
  );
  return rows.map(({ jobId }) => jobId);
}

/** Why a flow dies: the error of the step that died first, or of the compensation. */
export async function findFlowError(sql: Sql, flowId: string): Promise<FailureRecord | null> {
  const [row] = await sql.query<{ error: FailureRecord | null }>(
    'find-flow-error',
    `SELECT COALESCE(error, compensation_result -> 'error') AS error FROM flow_steps
     WHERE flow_id = $1 AND (status IN ('failed', 'cancelled') AND on_failure <> 'continue' OR compensation_status = 'failed')
     ORDER BY status = 'failed' DESC, finished_at, position LIMIT 1`,
    [flowId],
  );
  return row?.error ?? null;
}
