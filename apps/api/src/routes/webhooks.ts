import {
  createWebhookSchema,
  endpointDisabledReasons,
  pageQuerySchema,
  patchWebhookSchema,
  rotateSecretSchema,
  signingSecretAnswerSchema,
  type WebhookResource,
  webhookAnswerSchema,
  webhookListSchema,
  webhookWithSecretAnswerSchema,
} from '@queue-service/contracts';
import { type EndpointRules, endpointUrlProblem, newWebhookSecret } from '@queue-service/outbound';
import {
  closeIncident,
  deleteWebhookEndpoint,
  findWebhookEndpoint,
  insertAudit,
  insertWebhookEndpoint,
  listWebhookEndpoints,
  rotateEndpointSecret,
  rotateSigningSecret,
  type Sql,
  updateWebhookEndpoint,
  type WebhookEndpointRow,
} from '@queue-service/persistence';
import { newId, pageOf, type Runtime, whileDatabaseAvailable } from '@queue-service/queue';
import { z } from 'zod';
import { auditEntry, type Change } from '../audit.ts';
import { nextCursor, pageRequest } from '../http/cursor.ts';
import { Problem } from '../http/problem.ts';
import { BASE_PATH, jsonBody, type Route, route } from '../http/route.ts';

const params = z.object({ id: z.uuid() });

/** @param rules which addresses are taken; each call is checked again, on the very address it connects to */
export function webhookRoutes({ db, sealer }: Pick<Runtime, 'db' | 'sealer'>, rules: EndpointRules): Route[] {
  const requireUrl = async (url: string | undefined) => {
    const message = url === undefined ? null : await endpointUrlProblem(url, rules);
    if (message === null) return;
    throw new Problem('validation_failed', { errors: [{ path: 'url', message, code: 'address_refused' }] });
  };
  const audit = (
    sql: Sql,
    change: Change,
    action: string,
    { id, tenantId }: { id: string; tenantId: string },
    states: { before?: object; after?: object },
  ) => {
    const what = { action: `webhook.${action}`, resource: 'webhook', resourceId: id, tenantId };
    return insertAudit(sql, [auditEntry(change, { ...what, ...states })]);
  };
  /** Work on an endpoint that its asker may see, under its lock. */
  const onEndpoint = <Result>(
    id: string,
    { actor }: Change,
    work: (sql: Sql, endpoint: WebhookEndpointRow) => Promise<Result>,
  ) =>
    whileDatabaseAvailable(() =>
      db.transaction(async (sql) => {
        const endpoint = await findWebhookEndpoint(sql, id, actor.scope, true);
        if (endpoint === null) throw new Problem('not_found');
        return work(sql, endpoint);
      }),
    );

  return [
    route({
      method: 'post',
      path: '/webhooks',
      access: 'venue',
      summary: 'Have an address told how jobs and flows end',
      body: jsonBody(createWebhookSchema),
      answers: { 201: webhookWithSecretAnswerSchema },
      problems: ['database_unavailable'],
      handler: async ({ body: { url, description = null, events = [] }, ...change }) => {
        await requireUrl(url);
        const secret = newWebhookSecret();
        const endpoint = { id: newId(), tenantId: change.actor.tenantId, url, description, events };
        const webhook = await whileDatabaseAvailable(() =>
          db.transaction(async (sql) => {
            const made = resourceOf(await insertWebhookEndpoint(sql, endpoint, sealer.sealValue(secret)));
            await audit(sql, change, 'create', made, { after: made });
            return made;
          }),
        );
        const headers = { Location: `${BASE_PATH}/webhooks/${webhook.id}` };
        return { status: 201, body: { webhook: { ...webhook, secret } }, headers };
      },
    }),

    route({
      method: 'get',
      path: '/webhooks',
      access: 'venue',
      summary: 'List webhook endpoints, newest first',
      query: pageQuerySchema,
      answers: { 200: webhookListSchema },
      problems: ['invalid_cursor', 'database_unavailable'],
      handler: async ({ query, actor }) => {
        const { limit, after } = pageRequest(query);
        const rows = await whileDatabaseAvailable(() => listWebhookEndpoints(db, actor.scope, after, limit + 1));
        const page = pageOf(rows, limit, resourceOf);
        return { status: 200, body: { webhooks: [...page.items], nextCursor: nextCursor(page) } };
      },
    }),

    route({
      method: 'post',
      path: '/webhooks/signing-secret/rotate',
      access: 'venue',
      summary: "A new secret for what goes to a job's or flow's own webhookUrl",
      body: jsonBody(rotateSecretSchema),
      answers: { 200: signingSecretAnswerSchema },
      problems: ['database_unavailable'],
      handler: async ({ body: { overlapSeconds }, ...change }) => {
        const { tenantId } = change.actor;
        const secret = newWebhookSecret();
        const until = await whileDatabaseAvailable(() =>
          db.transaction(async (sql) => {
            const previous = await rotateSigningSecret(sql, tenantId, sealer.sealValue(secret), overlapSeconds);
            const of = { id: tenantId, tenantId };
            await audit(sql, change, 'rotate-signing-secret', of, { after: { overlapSeconds } });
            return previous;
          }),
        );
        const signingSecret = { tenantId, secret, previousSecretUntil: until?.toISOString() ?? null };
        return { status: 200, body: { signingSecret } };
      },
    }),

    route({
      method: 'get',
      path: '/webhooks/:id',
      access: 'venue',
      summary: 'One webhook endpoint',
      params,
      answers: { 200: webhookAnswerSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id }, actor }) => {
        const row = await whileDatabaseAvailable(() => findWebhookEndpoint(db, id, actor.scope, false));
        if (row === null) throw new Problem('not_found');
        return { status: 200, body: { webhook: resourceOf(row) } };
      },
    }),

    route({
      method: 'patch',
      path: '/webhooks/:id',
      access: 'venue',
      summary: 'Change a webhook endpoint, switch it off or on again',
      params,
      body: jsonBody(patchWebhookSchema),
      answers: { 200: webhookAnswerSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id }, body, ...change }) => {
        await requireUrl(body.url);
        const webhook = await onEndpoint(id, change, async (sql, before) => {
          const after = resourceOf(await updateWebhookEndpoint(sql, id, body));
          if (body.active === true) await closeIncident(sql, `webhook_endpoint_disabled:${id}`);
          await audit(sql, change, 'update', after, { before: resourceOf(before), after });
          return after;
        });
        return { status: 200, body: { webhook } };
      },
    }),

    route({
      method: 'delete',
      path: '/webhooks/:id',
      access: 'venue',
      summary: 'Remove a webhook endpoint with its deliveries',
      params,
      answers: { 204: null },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id }, ...change }) => {
        await onEndpoint(id, change, async (sql, before) => {
          await deleteWebhookEndpoint(sql, id);
          await closeIncident(sql, `webhook_endpoint_disabled:${id}`);
          await audit(sql, change, 'delete', before, { before: resourceOf(before) });
        });
        return { status: 204, body: undefined };
      },
    }),

    route({
      method: 'post',
      path: '/webhooks/:id/rotate-secret',
      access: 'venue',
      summary: 'Give a webhook endpoint a new secret; the one before signs too for a while',
      params,
      body: jsonBody(rotateSecretSchema),
      answers: { 200: webhookWithSecretAnswerSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id }, body: { overlapSeconds }, ...change }) => {
        const secret = newWebhookSecret();
        const webhook = await onEndpoint(id, change, async (sql) => {
          const after = resourceOf(await rotateEndpointSecret(sql, id, sealer.sealValue(secret), overlapSeconds));
          await audit(sql, change, 'rotate-secret', after, { after: { overlapSeconds } });
          return after;
        });
        return { status: 200, body: { webhook: { ...webhook, secret } } };
      },
    }),
  ];
}

const reasonSchema = z.enum(endpointDisabledReasons).nullable().catch(null);

function resourceOf(row: WebhookEndpointRow): WebhookResource {
  const { previousUntil, ...shown } = row;
  return {
    ...shown,
    disabledReason: reasonSchema.parse(row.disabledReason),
    failingSince: row.failingSince?.toISOString() ?? null,
    previousSecretUntil: previousUntil?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}
