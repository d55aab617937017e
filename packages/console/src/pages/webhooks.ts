import type { WebhookDeliveryResource, WebhookResource } from '@queue-service/client';
import { webhookDeliveryStatuses, webhookEventTypes } from '@queue-service/contracts';
import type { Router } from 'express';
import type { Call, Handlers } from '../call.ts';
import { action, filterForm, input, select } from '../fields.ts';
import { ago, at, badge, json } from '../format.ts';
import { type Html, html } from '../html.ts';
import { nextPage, table } from '../table.ts';
import { facts } from './jobs.ts';

type Webhooks = Call['client']['webhooks'];
type Page = NonNullable<Parameters<Webhooks['list']>[0]>;
type Deliveries = NonNullable<Parameters<Webhooks['deliveries']>[1]>;

const path = '/admin/webhooks';

/** Addresses that are told how jobs and flows end, and what each was told. */
export function webhookPages(router: Router, { view, change }: Handlers): void {
  router.get(
    '/webhooks',
    view(async (call) => {
      const filters = call.filters<Page>();
      const { webhooks, nextCursor } = await call.client.webhooks.list(filters);
      return {
        title: 'Webhooks',
        body: html`
          <h1>Webhooks</h1>
          <form method="post" action="${path}" class="actions">
            ${input('url', 'Tell another address', undefined, { type: 'url', required: true, placeholder: 'https://…' })}
            ${select('event', 'Of', webhookEventTypes, undefined, 'everything')}
            <button>Add</button>
          </form>
          ${table('Webhooks', webhooks, [
            { name: 'Address', text: true, cell: ({ id, url }) => html`<a href="${path}/${id}">${url}</a>` },
            { name: 'State', cell: state },
            {
              name: 'Hears of',
              text: true,
              cell: ({ events }) => (events.length === 0 ? 'everything' : events.join(', ')),
            },
            call.session.admin && { name: 'Tenant', cell: ({ tenantId }) => tenantId },
            { name: 'Fails since', cell: ({ failingSince }) => failingSince !== null && ago(failingSince, call.nowMs) },
          ])}
          ${nextPage(path, { ...filters }, nextCursor)}`,
      };
    }),
  );

  router.post(
    '/webhooks',
    change(async (call) => {
      const event = call.field('event') as (typeof webhookEventTypes)[number] | undefined;
      const events = event === undefined ? [] : [event];
      return secretView(await call.client.webhooks.create({ url: call.field('url') ?? '', events }));
    }),
  );

  router.get(
    '/webhooks/:id',
    view(async (call) => {
      const id = call.param('id');
      const filters = call.filters<Deliveries>('status');
      const { webhooks } = call.client;
      const [endpoint, { deliveries, nextCursor }] = await Promise.all([
        webhooks.get(id),
        webhooks.deliveries(id, filters),
      ]);
      return {
        title: 'Webhook',
        body: html`
          <div class="title"><h1>${endpoint.url}</h1>${state(endpoint)}</div>
          ${endpoint.disabledReason !== null && html`<p class="notice bad">Switched off by the service: ${endpoint.disabledReason}.</p>`}
          <div class="actions">
            ${endpoint.active && action(`${path}/${id}/test`, 'Send a test')}
            ${action(`${path}/${id}/${endpoint.active ? 'disable' : 'enable'}`, endpoint.active ? 'Switch off' : 'Switch on')}
            ${action(`${path}/${id}/rotate`, 'New secret', { confirm: 'Make a new secret? The old one signs too for a day.' })}
            ${action(`${path}/${id}/remove`, 'Remove', { className: 'danger', confirm: `Remove ${endpoint.url}?` })}
          </div>
          <div class="card">
            ${facts([
              ['tenant', endpoint.tenantId],
              ['hears of', endpoint.events.length === 0 ? 'everything' : endpoint.events.join(', ')],
              ['description', endpoint.description ?? '–'],
              ['old secret signs until', at(endpoint.previousSecretUntil)],
              ['made', at(endpoint.createdAt)],
            ])}
          </div>
          <h2>Deliveries</h2>
          ${filterForm(`${path}/${id}`, select('status', 'Status', webhookDeliveryStatuses, filters.status))}
          ${deliveries.map((delivery) => deliveryCard(call, id, delivery))}
          ${deliveries.length === 0 && html`<p class="empty card">Nothing to show.</p>`}
          ${nextPage(`${path}/${id}`, { ...filters }, nextCursor)}`,
      };
    }),
  );

  const done = (id: string, told: string) => ({ to: `${path}/${id}`, told });
  router.post(
    '/webhooks/:id/test',
    change(async (call) => {
      await call.client.webhooks.test(call.param('id'));
      return done(call.param('id'), 'A test is on its way.');
    }),
  );
  for (const [verb, active] of [
    ['enable', true],
    ['disable', false],
  ] as const) {
    router.post(
      `/webhooks/:id/${verb}`,
      change(async (call) => {
        await call.client.webhooks.update(call.param('id'), { active });
        return done(call.param('id'), active ? 'It is told again.' : 'It is told nothing more.');
      }),
    );
  }
  router.post(
    '/webhooks/:id/rotate',
    change(async (call) => secretView(await call.client.webhooks.rotateSecret(call.param('id')))),
  );
  router.post(
    '/webhooks/:id/remove',
    change(async (call) => {
      await call.client.webhooks.remove(call.param('id'));
      return { to: path, told: 'The webhook is removed.' };
    }),
  );
  router.post(
    '/webhooks/:id/deliveries/:deliveryId/replay',
    change(async (call) => {
      await call.client.webhooks.replay(call.param('deliveryId'));
      return done(call.param('id'), 'It is sent again, under the same id.');
    }),
  );
}

function deliveryCard(call: Call, webhookId: string, delivery: WebhookDeliveryResource): Html {
  const { id, eventType, subjectId, status, attemptLog, body } = delivery;
  const subject = eventType.startsWith('flow.') ? 'flows' : eventType.startsWith('job.') ? 'jobs' : null;
  return html`
    <section class="card" aria-label="${eventType} ${id}">
      <div class="title">
        <strong>${eventType}</strong> ${badge(status)} <span class="muted">${ago(delivery.createdAt, call.nowMs)}</span>
        ${subject !== null && html`<a href="/admin/${subject}/${subjectId}">${subject === 'flows' ? 'flow' : 'job'}</a>`}
        ${status !== 'pending' && action(`${path}/${webhookId}/deliveries/${id}/replay`, 'Send again')}
      </div>
      <ol class="timeline">
        ${attemptLog.map(
          ({ at: when, statusCode, durationMs, error }) => html`
            <li class="${error === null ? 'good' : 'bad'}">
              <span class="when">${at(when)}</span>
              ${statusCode === null ? 'no answer' : html`answered ${statusCode}`} after ${Math.round(durationMs)} ms
              ${error !== null && html`<br><code>${error.code}</code> ${error.message}`}
            </li>`,
        )}
      </ol>
      <details><summary>What is sent</summary>${json(body)}</details>
    </section>`;
}

function state({ active, failingSince }: WebhookResource): Html {
  return badge(!active ? 'disabled' : failingSince === null ? 'active' : 'failing');
}

function secretView({ id, url, secret }: { id: string; url: string; secret: string }): { title: string; body: Html } {
  return {
    title: 'Secret',
    body: html`
      <h1>Secret of ${url}</h1>
      <p class="notice good" role="status">This is the only time that it is shown. The receiver checks signatures with it.</p>
      <pre tabindex="0">${secret}</pre>
      <p><a class="button" href="${path}/${id}">I have it</a></p>`,
  };
}
