import { Secret } from '@queue-service/observability';
import { newWebhookSecret } from '@queue-service/outbound';
import {
  type Database,
  type DeliveryAttemptRecord,
  disableWebhookEndpoint,
  ensureSigningSecret,
  failWebhookDelivery,
  insertAudit,
  insertWebhookDeliveries,
  loadOutgoingDelivery,
  type OutgoingDeliveryRow,
  openIncident,
  type Sealer,
  succeedWebhookDelivery,
} from '@queue-service/persistence';
import type { Deliveries, Delivery, DeliveryAttempt } from '../webhooks/deliveries.ts';
import { orComeBack } from './availability.ts';

/** The deliveries and endpoints in PostgreSQL. */
export function databaseDeliveries(db: Database, sealer: Sealer): Deliveries {
  /** Nothing leaves unsigned: the secret of a tenant that has none yet is made here, and shown when it is rotated. */
  async function load(deliveryId: string): Promise<OutgoingDeliveryRow | null> {
    const row = await loadOutgoingDelivery(db, deliveryId);
    if (row === null || row.secret !== null) return row;
    await ensureSigningSecret(db, row.tenantId, sealer.sealValue(newWebhookSecret()));
    return loadOutgoingDelivery(db, deliveryId);
  }

  return {
    load: (deliveryId) =>
      orComeBack(async () => {
        const row = await load(deliveryId);
        return row === null ? null : deliveryOf(row, sealer);
      }),
    succeed: (deliveryId, attempt) => orComeBack(() => succeedWebhookDelivery(db, deliveryId, recordOf(attempt))),
    fail: (deliveryId, attempt, final) =>
      orComeBack(() => failWebhookDelivery(db, deliveryId, recordOf(attempt), final)),
    disableEndpoint: (endpointId, reason, notice) =>
      orComeBack(() =>
        db.transaction(async (sql) => {
          const disabled = await disableWebhookEndpoint(sql, endpointId, reason);
          if (disabled === null) return;
          const { tenantId } = disabled;
          await insertAudit(sql, [
            {
              ...{ actor: 'worker-communication', roles: [], tenantId, requestId: null },
              ...{ action: 'webhook.disable', resource: 'webhook', resourceId: endpointId },
              before: { active: true },
              after: { active: false, disabledReason: reason, failingSince: notice.data.failingSince },
            },
          ]);
          await openIncident(sql, {
            key: `webhook_endpoint_disabled:${endpointId}`,
            kind: 'webhook_endpoint_disabled',
            severity: 'warning',
            summary: `A webhook endpoint of ${tenantId} was switched off: ${reason === 'gone' ? 'it answered 410' : 'it took nothing for days'}`,
            details: { tenantId, endpointId, reason, failingSince: notice.data.failingSince },
          });
          // Dispatched by the relay, which looks for what was not.
          await insertWebhookDeliveries(sql, [
            { tenantId, type: notice.type, subjectId: endpointId, body: notice, webhookUrl: null },
          ]);
        }),
      ),
  };
}

function deliveryOf(row: OutgoingDeliveryRow, sealer: Sealer): Delivery {
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

function recordOf({ at, ...attempt }: DeliveryAttempt): DeliveryAttemptRecord {
  return { ...attempt, at: at.toISOString() };
}
