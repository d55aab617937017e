import { Secret } from '@queue-service/observability';
import { type Database, insertWebhookDeliveries, type Sealer } from '@queue-service/persistence';
import type { Deliveries, Delivery, DeliveryAttempt } from '../webhooks/deliveries.ts';
import { orComeBack } from './availability.ts';

interface DeliveryRow {
  id: string;
  tenantId: string;
  url: string;
  body: string;
  status: string;
  lastAttempt: { statusCode: number | null; durationMs: number } | null;
  endpointId: string | null;
  active: boolean | null;
  failingSince: Date | null;
  secret: unknown;
  previousSecret: unknown;
}

/** The deliveries and endpoints in PostgreSQL. An endpoint is called where it is now, not where it was at the event. */
export function databaseDeliveries(db: Database, sealer: Sealer): Deliveries {
  return {
    load: (deliveryId) =>
      orComeBack(async () => {
        const [row] = await db.query<DeliveryRow>(
          'load-webhook-delivery',
          `SELECT d.id, d.tenant_id AS "tenantId", coalesce(e.url, d.url) AS url, d.body::text AS body, d.status,
             d.attempt_log->-1 AS "lastAttempt", e.id AS "endpointId", e.active, e.failing_since AS "failingSince",
             e.secret, CASE WHEN e.previous_until > clock_timestamp() THEN e.previous_secret END AS "previousSecret"
           FROM webhook_deliveries d LEFT JOIN webhook_endpoints e ON e.id = d.endpoint_id WHERE d.id = $1`,
          [deliveryId],
        );
        return row === undefined ? null : deliveryOf(row, sealer);
      }),

    succeed: (deliveryId, attempt) =>
      orComeBack(async () => {
        await db.query(
          'succeed-webhook-delivery',
          `WITH done AS (
             UPDATE webhook_deliveries SET status = 'delivered', attempts = attempts + 1,
               attempt_log = attempt_log || $2::jsonb, delivered_at = $3
             WHERE id = $1 RETURNING endpoint_id
           )
           UPDATE webhook_endpoints e SET failing_since = NULL
           FROM done WHERE e.id = done.endpoint_id AND e.failing_since IS NOT NULL`,
          [deliveryId, logEntry(attempt), attempt.at],
        );
      }),

    fail: (deliveryId, attempt, final) =>
      orComeBack(async () => {
        await db.query(
          'fail-webhook-delivery',
          `WITH done AS (
             UPDATE webhook_deliveries SET status = CASE WHEN $4::boolean THEN 'failed' ELSE 'pending' END,
               attempts = attempts + 1, attempt_log = attempt_log || $2::jsonb
             WHERE id = $1 RETURNING endpoint_id
           )
           UPDATE webhook_endpoints e SET failing_since = $3
           FROM done WHERE e.id = done.endpoint_id AND e.failing_since IS NULL`,
          [deliveryId, logEntry(attempt), attempt.at, final],
        );
      }),

    disableEndpoint: (endpointId, reason, notice) =>
      orComeBack(() =>
        db.transaction(async (sql) => {
          const [endpoint] = await sql.query<{ tenantId: string }>(
            'disable-webhook-endpoint',
            `UPDATE webhook_endpoints SET active = false, disabled_reason = $2, updated_at = clock_timestamp()
             WHERE id = $1 AND active RETURNING tenant_id AS "tenantId"`,
            [endpointId, reason],
          );
          if (endpoint === undefined) return;
          // Dispatched by the relay, which looks for what was not.
          await insertWebhookDeliveries(sql, [
            { tenantId: endpoint.tenantId, type: notice.type, subjectId: endpointId, body: notice, webhookUrl: null },
          ]);
        }),
      ),
  };
}

function deliveryOf(row: DeliveryRow, sealer: Sealer): Delivery {
  const { id, tenantId, url, body, status, lastAttempt, endpointId, active, failingSince } = row;
  const secrets = [row.secret, row.previousSecret].flatMap((sealed) => {
    const opened = sealed === null ? null : sealer.openValue(sealed);
    return typeof opened === 'string' ? [new Secret(opened)] : [];
  });
  const statusCode = status === 'delivered' ? lastAttempt?.statusCode : undefined;
  return {
    id,
    tenantId,
    url,
    body,
    secrets,
    endpoint: endpointId === null ? null : { id: endpointId, active: active === true, failingSince },
    delivered: typeof statusCode === 'number' ? { statusCode, durationMs: lastAttempt?.durationMs ?? 0 } : null,
  };
}

function logEntry({ at, durationMs, statusCode, error }: DeliveryAttempt): string {
  return JSON.stringify([{ at: at.toISOString(), durationMs, statusCode, error }]);
}
