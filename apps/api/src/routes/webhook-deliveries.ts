import {
  type WebhookDeliveryResource,
  webhookDeliveryAnswerSchema,
  webhookDeliveryListQuerySchema,
  webhookDeliveryListSchema,
} from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import {
  findWebhookDelivery,
  findWebhookEndpoint,
  insertAudit,
  insertTestDelivery,
  listWebhookDeliveries,
  replayWebhookDelivery,
  type WebhookDeliveryRow,
} from '@queue-service/persistence';
import { dispatchDeliveries, newId, pageOf, type Runtime, whileDatabaseAvailable } from '@queue-service/queue';
import { z } from 'zod';
import { auditEntry } from '../audit.ts';
import { nextCursor, pageRequest } from '../http/cursor.ts';
import { Problem } from '../http/problem.ts';
import { type Route, route } from '../http/route.ts';

const params = z.object({ id: z.uuid() });

export function webhookDeliveryRoutes({ db, dispatch, now }: Runtime, log: Logger): Route[] {
  /** What Redis does not take now, the relay finds within seconds: the row says that it is owed. */
  const sendOff = async (row: WebhookDeliveryRow) => {
    try {
      await dispatchDeliveries(db, dispatch, [row], now());
    } catch (error) {
      log.warn({ err: error, deliveryId: row.id }, 'A webhook could not be dispatched; the relay will do it');
    }
    return resourceOf(row);
  };
  const found = async (id: string, tenantId: string | null) => {
    const row = await whileDatabaseAvailable(() => findWebhookDelivery(db, id, tenantId));
    if (row === null) throw new Problem('not_found');
    return row;
  };

  return [
    route({
      method: 'post',
      path: '/webhooks/:id/test',
      access: 'venue',
      summary: 'Send a webhook.test event to an endpoint',
      params,
      answers: { 202: webhookDeliveryAnswerSchema },
      problems: ['not_found', 'conflict', 'database_unavailable'],
      handler: async ({ params: { id: endpointId }, actor }) => {
        const endpoint = await whileDatabaseAvailable(() => findWebhookEndpoint(db, endpointId, actor.scope, false));
        if (endpoint === null) throw new Problem('not_found');
        if (!endpoint.active) throw new Problem('conflict', { detail: 'The endpoint is switched off' });
        const id = newId();
        const eventType = 'webhook.test';
        const body = { type: eventType, timestamp: now().toISOString(), data: { webhookId: endpointId } };
        await whileDatabaseAvailable(() => insertTestDelivery(db, { id, endpointId, eventType, body }));
        return { status: 202, body: { delivery: await sendOff(await found(id, endpoint.tenantId)) } };
      },
    }),

    route({
      method: 'get',
      path: '/webhooks/:id/deliveries',
      access: 'venue',
      summary: 'What an endpoint was told, with every try, newest first',
      params,
      query: webhookDeliveryListQuerySchema,
      answers: { 200: webhookDeliveryListSchema },
      problems: ['not_found', 'invalid_cursor', 'database_unavailable'],
      handler: async ({ params: { id: endpointId }, query: { status, ...paging }, actor }) => {
        const { limit, after } = pageRequest(paging);
        const rows = await whileDatabaseAvailable(async () => {
          if ((await findWebhookEndpoint(db, endpointId, actor.scope, false)) === null) throw new Problem('not_found');
          return listWebhookDeliveries(db, { endpointId, status }, after, limit + 1);
        });
        const page = pageOf(rows, limit, resourceOf);
        return { status: 200, body: { deliveries: [...page.items], nextCursor: nextCursor(page) } };
      },
    }),

    route({
      method: 'post',
      path: '/webhooks/deliveries/:id/replay',
      access: 'venue',
      summary: 'Send an ended delivery again, under the same webhook-id',
      params,
      answers: { 202: webhookDeliveryAnswerSchema },
      problems: ['not_found', 'conflict', 'database_unavailable'],
      handler: async ({ params: { id }, ...change }) => {
        const before = await found(id, change.actor.scope);
        const { tenantId, status, jobId } = before;
        await whileDatabaseAvailable(() =>
          db.transaction(async (sql) => {
            const next = newId();
            if (!(await replayWebhookDelivery(sql, id, next))) {
              throw new Problem('conflict', { detail: 'The delivery has not ended yet' });
            }
            await insertAudit(sql, [
              auditEntry(change, {
                ...{ action: 'webhook-delivery.replay', resource: 'webhook-delivery', resourceId: id, tenantId },
                before: { status, jobId },
                after: { status: 'pending', jobId: next },
              }),
            ]);
          }),
        );
        return { status: 202, body: { delivery: await sendOff(await found(id, tenantId)) } };
      },
    }),
  ];
}

function resourceOf({ endpointId, ...row }: WebhookDeliveryRow): WebhookDeliveryResource {
  return {
    ...row,
    webhookId: endpointId,
    createdAt: row.createdAt.toISOString(),
    deliveredAt: row.deliveredAt?.toISOString() ?? null,
  };
}
