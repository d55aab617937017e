import type { Sql } from '../database.ts';

/** A money job as it is accepted. `payload` is sealed; times are ISO texts, durations milliseconds. */
export interface NewCriticalJob {
  id: string;
  queue: string;
  type: string;
  priority: number;
  maxAttempts: number;
  timeoutMs: number;
  tenantId: string;
  idempotencyKey: string | null;
  idempotencyWindowMs: number;
  /** Hex. */
  requestHash: string;
  payload: unknown;
  payloadVersion: number;
  delayMs: number;
  flowId: string | null;
  flowStep: string | null;
  webhookUrl: string | null;
  requestId: string | null;
  traceId: string | null;
  traceparent: string | null;
}

/**
 * Inserts what is new in one statement and returns the ids that were inserted, with the time of each. A job that is missing from the answer
 * has met its own idempotency key (or, for flow steps, its own id): nothing of it was stored.
 */
export async function insertCriticalJobs(sql: Sql, jobs: readonly NewCriticalJob[]): Promise<Map<string, Date>> {
  const rows = await sql.query<{ id: string; createdAt: Date }>(
    'insert-critical-jobs',
    `INSERT INTO critical_jobs (id, queue, type, status, priority, max_attempts, timeout_ms, tenant_id, idempotency_key,
       idempotency_expires_at, request_hash, payload, payload_version, run_at, scheduled_for, flow_id, flow_step,
       webhook_url, request_id, trace_id, traceparent)
     SELECT r.id, r.queue, r.type, 'pending', r.priority, r."maxAttempts", r."timeoutMs", r."tenantId", r."idempotencyKey",
       CASE WHEN r."idempotencyKey" IS NULL THEN NULL ELSE now() + r."idempotencyWindowMs" * interval '1 millisecond' END,
       decode(r."requestHash", 'hex'), r.payload, r."payloadVersion", now() + r."delayMs" * interval '1 millisecond',
       CASE WHEN r."delayMs" > 0 THEN now() + r."delayMs" * interval '1 millisecond' END, r."flowId", r."flowStep",
       r."webhookUrl", r."requestId", r."traceId", r.traceparent
     FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, queue text, type text, priority int, "maxAttempts" int,
       "timeoutMs" int, "tenantId" text, "idempotencyKey" text, "idempotencyWindowMs" float8, "requestHash" text,
       payload jsonb, "payloadVersion" int, "delayMs" float8, "flowId" uuid, "flowStep" text, "webhookUrl" text,
       "requestId" text, "traceId" text, traceparent text)
     ON CONFLICT DO NOTHING
     RETURNING id, created_at AS "createdAt"`,
    [JSON.stringify(jobs)],
  );
  return new Map(rows.map((row) => [row.id, row.createdAt]));
}
