import type { Sql } from '../database.ts';
import { conditions, type ListPosition } from './conditions.ts';

/** One try, as it is kept and shown. */
export interface DeliveryAttemptRecord {
  /** ISO 8601. */
  at: string;
  durationMs: number;
  /** Null when no answer came. */
  statusCode: number | null;
  error: { code: string; message: string } | null;
}

export interface WebhookDeliveryRow {
  id: string;
  endpointId: string | null;
  jobId: string;
  tenantId: string;
  /** Where it goes: an endpoint's present address, not the one it had at the event. */
  url: string;
  eventType: string;
  subjectId: string;
  body: Record<string, unknown>;
  status: 'pending' | 'delivered' | 'failed';
  attempts: number;
  attemptLog: DeliveryAttemptRecord[];
  createdAt: Date;
  deliveredAt: Date | null;
}

const from = 'webhook_deliveries d LEFT JOIN webhook_endpoints e ON e.id = d.endpoint_id';
const columns = `d.id, d.endpoint_id AS "endpointId", coalesce(d.job_id, d.id) AS "jobId", d.tenant_id AS "tenantId",
  coalesce(e.url, d.url) AS url, d.event_type AS "eventType", d.subject_id AS "subjectId", d.body, d.status, d.attempts,
  d.attempt_log AS "attemptLog", d.created_at AS "createdAt", d.delivered_at AS "deliveredAt"`;

/** The deliveries of one endpoint, newest first, after a position. */
export async function listWebhookDeliveries(
  sql: Sql,
  filter: { endpointId: string; status?: string | undefined },
  after: ListPosition | null,
  limit: number,
): Promise<WebhookDeliveryRow[]> {
  const where = conditions('d', { tenantId: null, status: filter.status }, after);
  const n = where.values.length;
  return sql.query(
    `list-webhook-deliveries-${where.name}`,
    `SELECT ${columns} FROM ${from} ${where.text === '' ? 'WHERE' : `${where.text} AND`} d.endpoint_id = $${n + 1}::uuid
     ORDER BY d.created_at DESC, d.id DESC LIMIT $${n + 2}`,
    [...where.values, filter.endpointId, limit],
  );
}

/** @param tenantId null sees all */
export async function findWebhookDelivery(
  sql: Sql,
  id: string,
  tenantId: string | null,
): Promise<WebhookDeliveryRow | null> {
  const [row] = await sql.query<WebhookDeliveryRow>(
    'find-webhook-delivery',
    `SELECT ${columns} FROM ${from} WHERE d.id = $1::uuid AND ($2::text IS NULL OR d.tenant_id = $2)`,
    [id, tenantId],
  );
  return row ?? null;
}

/** One delivery to one endpoint, whatever the endpoint hears of. It is owed from the commit on. */
export async function insertTestDelivery(
  sql: Sql,
  delivery: { id: string; endpointId: string; eventType: string; body: object },
): Promise<void> {
  await sql.query(
    'insert-test-delivery',
    `INSERT INTO webhook_deliveries (id, endpoint_id, tenant_id, url, event_type, subject_id, body)
     SELECT $1, e.id, e.tenant_id, e.url, $3, e.id, $4::jsonb FROM webhook_endpoints e WHERE e.id = $2::uuid`,
    [delivery.id, delivery.endpointId, delivery.eventType, JSON.stringify(delivery.body)],
  );
}

/** An ended delivery is owed again, to a new job; its tries stay in the log. False while it has not ended. */
export async function replayWebhookDelivery(sql: Sql, id: string, jobId: string): Promise<boolean> {
  const rows = await sql.query(
    'replay-webhook-delivery',
    `UPDATE webhook_deliveries SET status = 'pending', job_id = $2::uuid, dispatched_at = NULL, delivered_at = NULL
     WHERE id = $1::uuid AND status <> 'pending' RETURNING id`,
    [id, jobId],
  );
  return rows.length === 1;
}

/** A delivery as the one who sends it needs it. Secrets are sealed; the text of `body` is the same each time. */
export interface OutgoingDeliveryRow {
  id: string;
  tenantId: string;
  url: string;
  body: string;
  status: string;
  lastAttempt: DeliveryAttemptRecord | null;
  endpointId: string | null;
  active: boolean | null;
  failingSince: Date | null;
  secret: unknown;
  previousSecret: unknown;
}

/** An endpoint is called where it is now. What has no endpoint is signed with the tenant's own secret. */
export async function loadOutgoingDelivery(sql: Sql, id: string): Promise<OutgoingDeliveryRow | null> {
  const [row] = await sql.query<OutgoingDeliveryRow>(
    'load-webhook-delivery',
    `SELECT d.id, d.tenant_id AS "tenantId", coalesce(e.url, d.url) AS url, d.body::text AS body, d.status,
       d.attempt_log->-1 AS "lastAttempt", e.id AS "endpointId", e.active, e.failing_since AS "failingSince",
       coalesce(e.secret, s.secret) AS secret,
       CASE WHEN coalesce(e.previous_until, s.previous_until) > clock_timestamp()
         THEN coalesce(e.previous_secret, s.previous_secret) END AS "previousSecret"
     FROM ${from} LEFT JOIN webhook_signing_secrets s ON d.endpoint_id IS NULL AND s.tenant_id = d.tenant_id
     WHERE d.id = $1::uuid`,
    [id],
  );
  return row ?? null;
}

/** Books a try that arrived: the delivery is over, its endpoint is well. */
export async function succeedWebhookDelivery(sql: Sql, id: string, attempt: DeliveryAttemptRecord): Promise<void> {
  await sql.query(
    'succeed-webhook-delivery',
    `WITH done AS (
       UPDATE webhook_deliveries SET status = 'delivered', attempts = attempts + 1,
         attempt_log = attempt_log || $2::jsonb, delivered_at = $3::timestamptz
       WHERE id = $1 RETURNING endpoint_id
     )
     UPDATE webhook_endpoints e SET failing_since = NULL
     FROM done WHERE e.id = done.endpoint_id AND e.failing_since IS NOT NULL`,
    [id, JSON.stringify([attempt]), attempt.at],
  );
}

/** Books a try that failed, and from when the endpoint fails unless it did already. @param final no more tries follow */
export async function failWebhookDelivery(
  sql: Sql,
  id: string,
  attempt: DeliveryAttemptRecord,
  final: boolean,
): Promise<void> {
  await sql.query(
    'fail-webhook-delivery',
    `WITH done AS (
       UPDATE webhook_deliveries SET status = CASE WHEN $4::boolean THEN 'failed' ELSE 'pending' END,
         attempts = attempts + 1, attempt_log = attempt_log || $2::jsonb
       WHERE id = $1 RETURNING endpoint_id
     )
     UPDATE webhook_endpoints e SET failing_since = $3::timestamptz
     FROM done WHERE e.id = done.endpoint_id AND e.failing_since IS NULL`,
    [id, JSON.stringify([attempt]), attempt.at, final],
  );
}
