import type { FailureRecord, JobStatus } from '@queue-service/contracts';
import type { Sql } from '../database.ts';

/** A communication or background job as history keeps it. `payload` is sealed; times are ISO texts. */
export interface HistoryRow {
  id: string;
  queue: string;
  type: string;
  status: JobStatus;
  priority: number;
  attempts: number;
  maxAttempts: number;
  tenantId: string;
  idempotencyKey: string | null;
  payload: unknown;
  payloadVersion: number;
  result: Record<string, unknown> | null;
  error: FailureRecord | null;
  flowId: string | null;
  flowStep: string | null;
  requestId: string | null;
  traceId: string | null;
  scheduledFor: string | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
}

/** A row as {@link upsertJobs} takes it: JSON without what is null. A text keeps less alive than what it was made of. */
export function historyText(row: HistoryRow): string {
  const given: Record<string, unknown> = { ...row };
  for (const name in given) if (given[name] === null) given[name] = undefined;
  return JSON.stringify(given);
}

/**
 * Writes many states in one statement. An ended job is never set back by a state that comes late.
 * Answers which jobs ended by this: not those whose end was there.
 */
export async function upsertJobs(sql: Sql, texts: readonly string[]): Promise<Set<string>> {
  const written = await sql.query<{ id: string; ended: boolean }>(
    'upsert-jobs',
    `INSERT INTO jobs (id, queue, type, status, priority, attempts, max_attempts, tenant_id, idempotency_key, payload,
       payload_version, result, error, flow_id, flow_step, request_id, trace_id, scheduled_for, created_at, started_at, finished_at)
     SELECT r.id, r.queue, r.type, r.status, r.priority, r.attempts, r."maxAttempts", r."tenantId", r."idempotencyKey", r.payload,
       r."payloadVersion", r.result, r.error, r."flowId", r."flowStep", r."requestId", r."traceId",
       r."scheduledFor", r."createdAt", r."startedAt", r."finishedAt"
     FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, queue text, type text, status text, priority int, attempts int,
       "maxAttempts" int, "tenantId" text, "idempotencyKey" text, payload jsonb, "payloadVersion" int, result jsonb,
       error jsonb, "flowId" uuid, "flowStep" text, "requestId" text, "traceId" text, "scheduledFor" timestamptz,
       "createdAt" timestamptz, "startedAt" timestamptz, "finishedAt" timestamptz)
     ORDER BY r.id
     ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status, attempts = EXCLUDED.attempts, result = EXCLUDED.result,
       error = EXCLUDED.error, started_at = EXCLUDED.started_at, finished_at = EXCLUDED.finished_at
     WHERE jobs.finished_at IS NULL OR EXCLUDED.finished_at IS NOT NULL
     RETURNING id, finished_at IS NOT NULL AND NOT EXISTS (
       SELECT FROM jobs AS before WHERE before.id = jobs.id AND before.finished_at IS NOT NULL) AS ended`,
    [`[${texts.join()}]`],
  );
  return new Set(written.flatMap(({ id, ended }) => (ended ? [id] : [])));
}

/** Of these jobs those whose end history does not have. */
export async function listUnended(sql: Sql, ids: readonly string[]): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    'list-unended-jobs',
    `SELECT asked.id::text FROM unnest($1::uuid[]) AS asked(id)
     WHERE NOT EXISTS (SELECT FROM jobs WHERE jobs.id = asked.id AND jobs.finished_at IS NOT NULL)`,
    [ids],
  );
  return rows.map(({ id }) => id);
}
