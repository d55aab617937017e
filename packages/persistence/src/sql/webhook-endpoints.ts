import type { Sql } from '../database.ts';
import { conditions, type ListPosition } from './conditions.ts';

/** An endpoint as it is shown: without its secrets. */
export interface WebhookEndpointRow {
  id: string;
  tenantId: string;
  url: string;
  description: string | null;
  events: string[];
  active: boolean;
  disabledReason: string | null;
  failingSince: Date | null;
  /** Null when the secret before signs no more. */
  previousUntil: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

const columns = `e.id, e.tenant_id AS "tenantId", e.url, e.description, e.events, e.active,
  e.disabled_reason AS "disabledReason", e.failing_since AS "failingSince",
  CASE WHEN e.previous_until > clock_timestamp() THEN e.previous_until END AS "previousUntil",
  e.created_at AS "createdAt", e.updated_at AS "updatedAt"`;

/** Of this id, where `tenantId` is null or the owner. */
const mine = 'e.id = $1::uuid AND ($2::text IS NULL OR e.tenant_id = $2)';

/** @param secret sealed */
export async function insertWebhookEndpoint(
  sql: Sql,
  endpoint: { id: string; tenantId: string; url: string; description: string | null; events: readonly string[] },
  secret: unknown,
): Promise<WebhookEndpointRow> {
  const [row] = await sql.query<WebhookEndpointRow>(
    'insert-webhook-endpoint',
    `INSERT INTO webhook_endpoints AS e (id, tenant_id, url, description, events, secret)
     VALUES ($1, $2, $3, $4, $5, $6::jsonb) RETURNING ${columns}`,
    [endpoint.id, endpoint.tenantId, endpoint.url, endpoint.description, endpoint.events, JSON.stringify(secret)],
  );
  return row as WebhookEndpointRow;
}

/** @param tenantId null sees all @param lock until the end of the transaction */
export async function findWebhookEndpoint(
  sql: Sql,
  id: string,
  tenantId: string | null,
  lock: boolean,
): Promise<WebhookEndpointRow | null> {
  const [row] = await sql.query<WebhookEndpointRow>(
    `find-webhook-endpoint${lock ? '-locked' : ''}`,
    `SELECT ${columns} FROM webhook_endpoints e WHERE ${mine} ${lock ? 'FOR UPDATE' : ''}`,
    [id, tenantId],
  );
  return row ?? null;
}

/** Newest first, after a position. */
export async function listWebhookEndpoints(
  sql: Sql,
  tenantId: string | null,
  after: ListPosition | null,
  limit: number,
): Promise<WebhookEndpointRow[]> {
  const where = conditions('e', { tenantId }, after);
  return sql.query(
    `list-webhook-endpoints-${where.name}`,
    `SELECT ${columns} FROM webhook_endpoints e ${where.text}
     ORDER BY e.created_at DESC, e.id DESC LIMIT $${where.values.length + 1}`,
    [...where.values, limit],
  );
}

export interface WebhookEndpointChanges {
  url?: string | undefined;
  description?: string | null | undefined;
  events?: readonly string[] | undefined;
  active?: boolean | undefined;
}

/**
 * Changes an endpoint of anybody. Switched on, or at another address, it starts afresh: else its next failure would count
 * from the first one before, and switch it off again.
 */
export async function updateWebhookEndpoint(
  sql: Sql,
  id: string,
  { url, description, events, active }: WebhookEndpointChanges,
): Promise<WebhookEndpointRow> {
  const [row] = await sql.query<WebhookEndpointRow>(
    'update-webhook-endpoint',
    `UPDATE webhook_endpoints e SET url = coalesce($2, url), events = coalesce($5, events), active = coalesce($6, active),
       description = CASE WHEN $3::boolean THEN $4 ELSE description END,
       disabled_reason = CASE WHEN $6 THEN NULL ELSE disabled_reason END,
       failing_since = CASE WHEN $6 OR $2 <> url THEN NULL ELSE failing_since END, updated_at = clock_timestamp()
     WHERE e.id = $1::uuid RETURNING ${columns}`,
    [id, url ?? null, description !== undefined, description ?? null, events ?? null, active ?? null],
  );
  return row as WebhookEndpointRow;
}

/** With its deliveries. */
export async function deleteWebhookEndpoint(sql: Sql, id: string): Promise<void> {
  await sql.query('delete-webhook-endpoint', 'DELETE FROM webhook_endpoints WHERE id = $1::uuid', [id]);
}

/**
 * Gives an endpoint a new secret; the one before signs too for a while. One that was still doing so no longer does.
 * @param secret sealed
 */
export async function rotateEndpointSecret(
  sql: Sql,
  id: string,
  secret: unknown,
  overlapSeconds: number,
): Promise<WebhookEndpointRow> {
  const [row] = await sql.query<WebhookEndpointRow>(
    'rotate-endpoint-secret',
    `UPDATE webhook_endpoints e SET secret = $2::jsonb, updated_at = clock_timestamp(),
       previous_secret = CASE WHEN $3::int > 0 THEN secret END,
       previous_until = CASE WHEN $3::int > 0 THEN clock_timestamp() + $3::int * interval '1 second' END
     WHERE e.id = $1::uuid RETURNING ${columns}`,
    [id, JSON.stringify(secret), overlapSeconds],
  );
  return row as WebhookEndpointRow;
}

/** Switches an endpoint off and answers whose it is; null when it is off already. */
export async function disableWebhookEndpoint(
  sql: Sql,
  id: string,
  reason: string,
): Promise<{ tenantId: string; failingSince: Date | null } | null> {
  const [row] = await sql.query<{ tenantId: string; failingSince: Date | null }>(
    'disable-webhook-endpoint',
    `UPDATE webhook_endpoints SET active = false, disabled_reason = $2, updated_at = clock_timestamp()
     WHERE id = $1::uuid AND active RETURNING tenant_id AS "tenantId", failing_since AS "failingSince"`,
    [id, reason],
  );
  return row ?? null;
}
