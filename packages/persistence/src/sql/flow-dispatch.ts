import type { Sql } from '../database.ts';
import type { StepPayload } from './flow-steps.ts';

/** A step's job, or its compensation's, that belongs into a queue outside the ledger. `payload` is sealed. */
export interface OwedStep {
  flowId: string;
  name: string;
  tenantId: string;
  jobId: string;
  queue: string;
  type: string;
  payload: Record<string, unknown>;
  payloadVersion: number;
  options: StepPayload['options'];
  /** When its job was made. */
  releasedAt: Date;
  requestId: string | null;
  traceId: string | null;
  traceparent: string | null;
}

const ofFlow = `s.flow_id AS "flowId", s.name, f.tenant_id AS "tenantId", f.request_id AS "requestId", f.trace_id AS "traceId",
  f.traceparent, s.released_at AS "releasedAt"`;
const step = `SELECT ${ofFlow}, s.job_id AS "jobId", s.queue, s.type, s.resolved -> 'payload' AS payload,
    (s.resolved ->> 'version')::int AS "payloadVersion", s.options
  FROM flow_steps s JOIN flows f ON f.id = s.flow_id WHERE s.status = 'pending' AND s.queue <> 'money'`;
const compensation = `SELECT ${ofFlow}, s.compensation_job_id AS "jobId", s.compensation_queue AS queue, s.compensation_type AS type,
    s.compensation_resolved -> 'payload' AS payload, (s.compensation_resolved ->> 'version')::int AS "payloadVersion",
    '{}'::jsonb AS options
  FROM flow_steps s JOIN flows f ON f.id = s.flow_id WHERE s.compensation_status = 'pending' AND s.compensation_queue <> 'money'`;

/** What of a flow is to be dispatched and was not. */
export async function listOwedSteps(sql: Sql, flowId: string): Promise<OwedStep[]> {
  const owed = 'AND s.flow_id = $1 AND s.dispatched_at IS NULL';
  return sql.query('list-owed-steps', `${step} ${owed} UNION ALL ${compensation} ${owed}`, [flowId]);
}

/**
 * What of all flows should have been dispatched and was forgotten.
 * @param olderThanMs how long ago its job was made
 */
export async function findForgottenSteps(sql: Sql, olderThanMs: number, limit: number): Promise<OwedStep[]> {
  const owed = `AND s.dispatched_at IS NULL AND s.released_at < now() - $1::float8 * interval '1 millisecond'`;
  return sql.query('find-forgotten-steps', `(${step} ${owed} LIMIT $2) UNION ALL (${compensation} ${owed} LIMIT $2)`, [
    olderThanMs,
    limit,
  ]);
}

export interface StepPosition {
  flowId: string;
  name: string;
}

export const firstStep: StepPosition = { flowId: '00000000-0000-0000-0000-000000000000', name: '' };

/** All that has not ended of one queue, in order, a page after a position: what a Redis that lost its data has lost. */
export async function pageOpenSteps(
  sql: Sql,
  kind: 'step' | 'compensation',
  queue: string,
  after: StepPosition,
  limit: number,
): Promise<OwedStep[]> {
  const [text, column] = kind === 'step' ? [step, 's.queue'] : [compensation, 's.compensation_queue'];
  return sql.query(
    `page-open-${kind}s`,
    `${text} AND ${column} = $1 AND (s.flow_id, s.name) > ($2::uuid, $3) ORDER BY s.flow_id, s.name LIMIT $4`,
    [queue, after.flowId, after.name, limit],
  );
}

export async function markStepsDispatched(sql: Sql, steps: readonly StepPosition[]): Promise<void> {
  await sql.query(
    'mark-steps-dispatched',
    `UPDATE flow_steps s SET dispatched_at = clock_timestamp()
     FROM unnest($1::uuid[], $2::text[]) AS d(flow_id, name) WHERE s.flow_id = d.flow_id AND s.name = d.name`,
    [steps.map((step) => step.flowId), steps.map((step) => step.name)],
  );
}

/** Jobs of flows that died or were cancelled and that have not ended, in order, a page after a position. */
export async function pageCancellingSteps(
  sql: Sql,
  after: StepPosition,
  limit: number,
): Promise<(StepPosition & { jobId: string })[]> {
  return sql.query(
    'page-cancelling-steps',
    `SELECT flow_id AS "flowId", name, job_id AS "jobId" FROM flow_steps
     WHERE status = 'pending' AND cancel_requested_at IS NOT NULL AND (flow_id, name) > ($1::uuid, $2)
     ORDER BY flow_id, name LIMIT $3`,
    [after.flowId, after.name, limit],
  );
}
