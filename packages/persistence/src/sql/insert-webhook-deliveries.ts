import type { Sql } from '../database.ts';
import type { OwedDelivery } from './webhook-dispatch.ts';

/** Something a tenant's endpoints may hear of. */
export interface WebhookEvent {
  tenantId: string;
  /** `job.completed`, `flow.failed` … */
  type: string;
  /** The job or flow. */
  subjectId: string;
  body: unknown;
  /** A job's own address, besides the endpoints. */
  webhookUrl: string | null;
}

/** One delivery for each endpoint that listens, and one for the job's own address. They are dispatched after the commit. */
export async function insertWebhookDeliveries(sql: Sql, all: readonly WebhookEvent[]): Promise<OwedDelivery[]> {
  const events = await heard(sql, all);
  if (events.length === 0) return [];
  return sql.query(
    'insert-webhook-deliveries',
    `WITH events AS (
       SELECT * FROM jsonb_to_recordset($1::jsonb)
         AS r("tenantId" text, type text, "subjectId" uuid, body jsonb, "webhookUrl" text)
     )
     INSERT INTO webhook_deliveries (id, endpoint_id, tenant_id, url, event_type, subject_id, body)
     SELECT gen_random_uuid(), e.id, v."tenantId", e.url, v.type, v."subjectId", v.body
     FROM events v JOIN webhook_endpoints e
       ON e.tenant_id = v."tenantId" AND e.active AND (e.events = '{}' OR v.type = ANY (e.events))
     UNION ALL
     SELECT gen_random_uuid(), NULL, v."tenantId", v."webhookUrl", v.type, v."subjectId", v.body
     FROM events v WHERE v."webhookUrl" IS NOT NULL
     RETURNING id, tenant_id AS "tenantId", id AS "jobId"`,
    [JSON.stringify(events)],
  );
}

/** Most jobs belong to tenants that listen to nothing: their events need not travel. */
async function heard(sql: Sql, events: readonly WebhookEvent[]): Promise<readonly WebhookEvent[]> {
  if (events.length === 0) return [];
  const rows = await sql.query<{ tenantId: string }>(
    'listening-tenants',
    `SELECT DISTINCT tenant_id AS "tenantId" FROM webhook_endpoints WHERE active AND tenant_id = ANY ($1::text[])`,
    [[...new Set(events.map(({ tenantId }) => tenantId))]],
  );
  const listening = new Set(rows.map(({ tenantId }) => tenantId));
  return events.filter(({ tenantId, webhookUrl }) => webhookUrl !== null || listening.has(tenantId));
}
