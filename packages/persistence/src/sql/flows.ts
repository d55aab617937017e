import type { FailureRecord, FlowStatus } from '@queue-service/contracts';
import type { Sql } from '../database.ts';
import { conditions, type ListFilter, type ListPosition } from './conditions.ts';

/** A row of `flows`. It has ended when `finishedAt` is set: a cancelled one may wind down until then. */
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
  traceparent: string | null;
  createdAt: Date;
  finishedAt: Date | null;
}

const columns = `f.id, f.name, f.template, f.status, f.tenant_id AS "tenantId", f.idempotency_key AS "idempotencyKey",
  encode(f.request_hash, 'hex') AS "requestHash", f.webhook_url AS "webhookUrl", f.error, f.request_id AS "requestId",
  f.trace_id AS "traceId", f.traceparent, f.created_at AS "createdAt", f.finished_at AS "finishedAt"`;

export type NewFlow = Omit<FlowRow, 'status' | 'error' | 'createdAt' | 'finishedAt'>;

/** Null when the tenant has used the key before: nothing was stored. The row is the caller's until its commit. */
export async function insertFlow(sql: Sql, flow: NewFlow): Promise<FlowRow | null> {
  const [row] = await sql.query<FlowRow>(
    'insert-flow',
    `INSERT INTO flows AS f (id, name, template, tenant_id, idempotency_key, request_hash, webhook_url, request_id, trace_id,
       traceparent)
     VALUES ($1, $2, $3, $4, $5, decode($6, 'hex'), $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING ${columns}`,
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
      flow.traceparent,
    ],
  );
  return row ?? null;
}

/** Locks the flow until the end of the transaction: what happens to it happens one after the other. */
export async function lockFlow(sql: Sql, id: string, tenantId: string | null): Promise<FlowRow | null> {
  const [row] = await sql.query<FlowRow>(
    'lock-flow',
    `SELECT ${columns} FROM flows f WHERE f.id = $1 AND ($2::text IS NULL OR f.tenant_id = $2) FOR UPDATE`,
    [id, tenantId],
  );
  return row ?? null;
}

export async function findFlow(sql: Sql, id: string, tenantId: string | null): Promise<FlowRow | null> {
  const [row] = await sql.query<FlowRow>(
    'find-flow',
    `SELECT ${columns} FROM flows f WHERE f.id = $1 AND ($2::text IS NULL OR f.tenant_id = $2)`,
    [id, tenantId],
  );
  return row ?? null;
}

export async function findFlowByKey(sql: Sql, tenantId: string, key: string): Promise<FlowRow | null> {
  const [row] = await sql.query<FlowRow>(
    'find-flow-by-key',
    `SELECT ${columns} FROM flows f WHERE f.tenant_id = $1 AND f.idempotency_key = $2`,
    [tenantId, key],
  );
  return row ?? null;
}

/** Call it with the flow locked. */
export async function changeFlow(
  sql: Sql,
  id: string,
  change: { status: FlowStatus; error: FailureRecord | null; finished: boolean },
): Promise<FlowRow> {
  const [row] = await sql.query<FlowRow>(
    'change-flow',
    `UPDATE flows f SET status = $2, error = $3::jsonb, finished_at = CASE WHEN $4 THEN clock_timestamp() END
     WHERE f.id = $1 RETURNING ${columns}`,
    [id, change.status, change.error === null ? null : JSON.stringify(change.error), change.finished],
  );
  if (row === undefined) throw new Error(`the flow ${id} is gone`);
  return row;
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
    `SELECT ${columns} FROM flows f ${where.text} ORDER BY f.created_at DESC, f.id DESC LIMIT $${where.values.length + 1}`,
    [...where.values, limit],
  );
}
