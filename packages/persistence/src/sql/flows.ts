import type { FailureRecord, FlowStatus, StepStatus } from '@queue-service/contracts';
import type { Sql } from '../database.ts';
import { conditions, type ListFilter, type ListPosition } from './conditions.ts';

/** A row of `flows`. */
export interface FlowRow {
  id: string;
  name: string;
  template: string | null;
  status: FlowStatus;
  tenantId: string;
  idempotencyKey: string | null;
  requestHash: string;
  webhookUrl: string | null;
  error: FailureRecord | null;
  requestId: string | null;
  traceId: string | null;
  createdAt: Date;
  finishedAt: Date | null;
}

/** A row of `flow_steps` without its payloads, which only a release needs. */
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

export interface StepPayload {
  name: string;
  type: string;
  queue: string;
  payload: Record<string, unknown>;
  payloadVersion: number;
  options: { priority?: number; attempts?: number; timeoutMs?: number; delayMs?: number };
}

const flowColumns = `f.id, f.name, f.template, f.status, f.tenant_id AS "tenantId", f.idempotency_key AS "idempotencyKey",
  encode(f.request_hash, 'hex') AS "requestHash", f.webhook_url AS "webhookUrl", f.error, f.request_id AS "requestId",
  f.trace_id AS "traceId", f.created_at AS "createdAt", f.finished_at AS "finishedAt"`;

const stepColumns = `s.flow_id AS "flowId", s.name, s.position, s.queue, s.type, s.status, s.depends_on AS "dependsOn",
  s.on_failure AS "onFailure", s.job_id AS "jobId", s.attempts, s.result, s.error, s.compensation_type AS "compensationType",
  s.compensation_queue AS "compensationQueue", s.compensation_status AS "compensationStatus",
  s.compensation_job_id AS "compensationJobId", s.compensation_result AS "compensationResult", s.started_at AS "startedAt",
  s.finished_at AS "finishedAt"`;

export interface NewFlow {
  id: string;
  name: string;
  template: string | null;
  tenantId: string;
  idempotencyKey: string | null;
  /** Hex. */
  requestHash: string;
  webhookUrl: string | null;
  requestId: string | null;
  traceId: string | null;
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

/** False when the tenant has used the key before: nothing was stored. */
export async function insertFlow(sql: Sql, flow: NewFlow, steps: readonly NewFlowStep[]): Promise<boolean> {
  const inserted = await sql.query(
    'insert-flow',
    `INSERT INTO flows (id, name, template, tenant_id, idempotency_key, request_hash, webhook_url, request_id, trace_id)
     VALUES ($1, $2, $3, $4, $5, decode($6, 'hex'), $7, $8, $9) ON CONFLICT DO NOTHING RETURNING id`,
    [
      flow.id,
      flow.name,
      flow.template,
      flow.tenantId,
      flow.idempotencyKey,
      flow.requestHash,
      flow.webhookUrl,
      flow.requestId,
      flow.traceId,
    ],
  );
  if (inserted.length === 0) return false;
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
    [flow.id, JSON.stringify(steps)],
  );
  return true;
}

/** Locks the flow until the end of the transaction: ends of its steps are taken one after the other. */
export async function lockFlow(sql: Sql, id: string): Promise<FlowRow | null> {
  const [row] = await sql.query<FlowRow>('lock-flow', `SELECT ${flowColumns} FROM flows f WHERE f.id = $1 FOR UPDATE`, [
    id,
  ]);
  return row ?? null;
}

export async function findFlow(sql: Sql, id: string): Promise<FlowRow | null> {
  const [row] = await sql.query<FlowRow>('find-flow', `SELECT ${flowColumns} FROM flows f WHERE f.id = $1`, [id]);
  return row ?? null;
}

export async function findFlowByKey(sql: Sql, tenantId: string, key: string): Promise<FlowRow | null> {
  const [row] = await sql.query<FlowRow>(
    'find-flow-by-key',
    `SELECT ${flowColumns} FROM flows f WHERE f.tenant_id = $1 AND f.idempotency_key = $2`,
    [tenantId, key],
  );
  return row ?? null;
}

export async function listFlowSteps(sql: Sql, flowId: string): Promise<FlowStepRow[]> {
  return sql.query(
    'list-flow-steps',
    `SELECT ${stepColumns} FROM flow_steps s WHERE s.flow_id = $1 ORDER BY s.position`,
    [flowId],
  );
}

/** Payloads (sealed, with their references) of the steps that are to be released. */
export async function loadStepPayloads(sql: Sql, flowId: string, names: readonly string[]): Promise<StepPayload[]> {
  return sql.query(
    'load-step-payloads',
    `SELECT name, type, queue, payload, payload_version AS "payloadVersion", options FROM flow_steps
     WHERE flow_id = $1 AND name = ANY($2::text[]) ORDER BY position`,
    [flowId, names],
  );
}

/** The same for the compensations of steps. */
export async function loadCompensations(sql: Sql, flowId: string, names: readonly string[]): Promise<StepPayload[]> {
  return sql.query(
    'load-compensations',
    `SELECT name, compensation_type AS type, compensation_queue AS queue, compensation_payload AS payload,
       compensation_version AS "payloadVersion", '{}'::jsonb AS options FROM flow_steps
     WHERE flow_id = $1 AND name = ANY($2::text[]) AND compensation_type IS NOT NULL`,
    [flowId, names],
  );
}

/** Columns of a step that change; what is left out stays. */
export interface StepChange {
  name: string;
  status?: StepStatus;
  jobId?: string;
  /** Sealed. */
  resolved?: unknown;
  compensationResolved?: unknown;
  attempts?: number;
  result?: Record<string, unknown> | null;
  error?: FailureRecord | null;
  startedAt?: string | null;
  finishedAt?: string | null;
  compensationStatus?: 'pending' | 'completed' | 'failed';
  compensationJobId?: string;
  compensationResult?: Record<string, unknown>;
}

export async function changeSteps(sql: Sql, flowId: string, changes: readonly StepChange[]): Promise<void> {
  if (changes.length === 0) return;
  await sql.query(
    'change-steps',
    `UPDATE flow_steps s SET
       status = COALESCE(c->>'status', s.status),
       job_id = COALESCE((c->>'jobId')::uuid, s.job_id),
       dispatched_at = CASE WHEN c ? 'jobId' OR c ? 'compensationJobId' THEN NULL ELSE s.dispatched_at END,
       resolved = COALESCE(c->'resolved', s.resolved),
       compensation_resolved = COALESCE(c->'compensationResolved', s.compensation_resolved),
       attempts = COALESCE((c->>'attempts')::int, s.attempts),
       result = CASE WHEN c ? 'result' THEN NULLIF(c->'result', 'null') ELSE s.result END,
       error = CASE WHEN c ? 'error' THEN NULLIF(c->'error', 'null') ELSE s.error END,
       started_at = CASE WHEN c ? 'startedAt' THEN (c->>'startedAt')::timestamptz ELSE s.started_at END,
       finished_at = CASE WHEN c ? 'finishedAt' THEN (c->>'finishedAt')::timestamptz ELSE s.finished_at END,
       compensation_status = COALESCE(c->>'compensationStatus', s.compensation_status),
       compensation_job_id = COALESCE((c->>'compensationJobId')::uuid, s.compensation_job_id),
       compensation_result = COALESCE(c->'compensationResult', s.compensation_result)
     FROM jsonb_array_elements($2::jsonb) AS c
     WHERE s.flow_id = $1 AND s.name = c->>'name'`,
    [flowId, JSON.stringify(changes)],
  );
}

export async function changeFlow(
  sql: Sql,
  id: string,
  change: { status: FlowStatus; error: FailureRecord | null; finished: boolean },
): Promise<void> {
  await sql.query(
    'change-flow',
    `UPDATE flows SET status = $2, error = COALESCE($3::jsonb, error), finished_at = CASE WHEN $4 THEN clock_timestamp() END WHERE id = $1`,
    [id, change.status, change.error === null ? null : JSON.stringify(change.error), change.finished],
  );
}

/** A step's job, or its compensation's, that is owed to a queue outside the ledger. */
export interface OwedStep {
  flowId: string;
  name: string;
  tenantId: string;
  compensation: boolean;
  jobId: string;
  queue: string;
  type: string;
  payload: Record<string, unknown>;
  payloadVersion: number;
  options: StepPayload['options'];
  requestId: string | null;
  traceId: string | null;
}

const owed = `f.id AS "flowId", s.name, f.tenant_id AS "tenantId", f.request_id AS "requestId", f.trace_id AS "traceId"`;

/**
 * Released steps whose job is not in the ledger and must be put into Redis.
 * @param all also those that were dispatched before: after Redis has lost them
 */
export async function listOwedSteps(
  sql: Sql,
  filter: { flowId: string | null; all: boolean; limit: number },
): Promise<OwedStep[]> {
  return sql.query(
    filter.all ? 'list-owed-steps-all' : 'list-owed-steps',
    `SELECT ${owed}, false AS compensation, s.job_id AS "jobId", s.queue, s.type, s.resolved AS payload, s.payload_version AS "payloadVersion", s.options
     FROM flow_steps s JOIN flows f ON f.id = s.flow_id
     WHERE s.status IN ('pending', 'processing') AND s.job_id IS NOT NULL AND s.queue <> 'money'
       AND ($1::uuid IS NULL OR s.flow_id = $1) ${filter.all ? '' : 'AND s.dispatched_at IS NULL'}
     UNION ALL
     SELECT ${owed}, true, s.compensation_job_id, s.compensation_queue, s.compensation_type, s.compensation_resolved, s.compensation_version, '{}'::jsonb
     FROM flow_steps s JOIN flows f ON f.id = s.flow_id
     WHERE s.compensation_status = 'pending' AND s.compensation_job_id IS NOT NULL AND s.compensation_queue <> 'money'
       AND ($1::uuid IS NULL OR s.flow_id = $1) ${filter.all ? '' : 'AND s.dispatched_at IS NULL'}
     LIMIT $2`,
    [filter.flowId, filter.limit],
  );
}

export async function markStepsDispatched(sql: Sql, steps: readonly { flowId: string; name: string }[]): Promise<void> {
  await sql.query(
    'mark-steps-dispatched',
    `UPDATE flow_steps s SET dispatched_at = clock_timestamp()
     FROM unnest($1::uuid[], $2::text[]) AS d(flow_id, name) WHERE s.flow_id = d.flow_id AND s.name = d.name`,
    [steps.map((step) => step.flowId), steps.map((step) => step.name)],
  );
}

/** Flows, newest first, after a position. */
export async function listFlows(
  sql: Sql,
  filter: ListFilter,
  after: ListPosition | null,
  limit: number,
): Promise<FlowRow[]> {
  const where = conditions('f', filter, after);
  return sql.query(
    `list-flows-${where.name}`,
    `SELECT ${flowColumns} FROM flows f ${where.text} ORDER BY f.created_at DESC, f.id DESC LIMIT $${where.values.length + 1}`,
    [...where.values, limit],
  );
}
