import type { FlowResource } from '@queue-service/client';
import { flowStatuses } from '@queue-service/contracts';
import type { Router } from 'express';
import type { Call, Handlers } from '../call.ts';
import { flowGraph } from '../charts/flow-graph.ts';
import { action, filterForm, select } from '../fields.ts';
import { ago, at, badge } from '../format.ts';
import { html } from '../html.ts';
import { nextPage, table } from '../table.ts';
import { facts } from './jobs.ts';

type Filters = NonNullable<Parameters<Call['client']['flows']['list']>[0]>;

const path = '/admin/flows';

/** Workflows, each drawn with the state of its steps. */
export function flowPages(router: Router, { view, change }: Handlers): void {
  router.get(
    '/flows',
    view(async (call) => {
      const filters = call.filters<Filters>('status');
      const { flows, nextCursor } = await call.client.flows.list(filters);
      return {
        title: 'Flows',
        body: html`
          <h1>Flows</h1>
          ${filterForm(path, select('status', 'Status', flowStatuses, filters.status))}
          <div id="live" data-live="5">
            ${table('Flows', flows, [
              { name: 'Flow', cell: ({ id, name }) => html`<a href="${path}/${id}">${name}</a>` },
              { name: 'Status', cell: ({ status }) => badge(status) },
              call.session.admin && { name: 'Tenant', cell: ({ tenantId }) => tenantId },
              { name: 'Created', cell: ({ createdAt }) => ago(createdAt, call.nowMs) },
              { name: 'Ended', cell: ({ finishedAt }) => ago(finishedAt, call.nowMs) },
              {
                name: 'Error',
                cell: ({ error }) => error !== null && html`<code title="${error.message}">${error.code}</code>`,
              },
            ])}
          </div>
          ${nextPage(path, { ...filters }, nextCursor)}`,
      };
    }),
  );

  router.get(
    '/flows/:id',
    view(async (call) => {
      const flow = await call.client.flows.get(call.param('id'));
      const { id, name, status, error, steps } = flow;
      const undone = steps.filter(({ compensation }) => wasUndone(compensation));
      const running = status === 'running' || status === 'compensating';
      return {
        title: name,
        body: html`
          <div id="live" data-live="${running ? 1 : 10}">
            <div class="title"><h1>${name}</h1><span id="flow-status">${badge(status)}</span></div>
            ${error !== null && html`<p class="notice bad"><strong>${error.code}</strong>: ${error.message}</p>`}
            <div class="actions">
              ${running && action(`${path}/${id}/cancel`, 'Cancel', { className: 'danger', confirm: `Start nothing more of ${name}?` })}
              ${status === 'failed' && action(`${path}/${id}/retry`, 'Retry where it failed', { className: 'primary' })}
            </div>
            ${flowGraph(flow)}
            <div class="card">
              ${facts([
                ['id', html`<code>${id}</code>`],
                ['tenant', flow.tenantId],
                ['template', flow.template ?? '–'],
                ['created', at(flow.createdAt)],
                ['ended', at(flow.finishedAt)],
                ['idempotency key', flow.idempotencyKey === null ? '–' : html`<code>${flow.idempotencyKey}</code>`],
              ])}
            </div>
            <h2>Steps</h2>
            ${table('Steps', steps, [
              {
                name: 'Step',
                cell: ({ name: step, jobId }) =>
                  jobId === null ? step : html`<a href="/admin/jobs/${jobId}">${step}</a>`,
              },
              { name: 'Status', cell: (step) => badge(step.status) },
              { name: 'Job', cell: ({ type }) => type },
              { name: 'Waits for', text: true, cell: ({ dependsOn }) => dependsOn.join(', ') },
              { name: 'Attempts', number: true, cell: ({ attempts }) => attempts },
              { name: 'Ended', cell: ({ finishedAt }) => at(finishedAt) },
              undone.length > 0 && {
                name: 'Undone by',
                cell: ({ compensation }) =>
                  compensation !== null &&
                  wasUndone(compensation) &&
                  html`${compensation.type} ${badge(compensation.status)}`,
              },
              {
                name: 'Error',
                text: true,
                cell: (step) => step.error !== null && html`<code>${step.error.code}</code> ${step.error.message}`,
              },
            ])}
          </div>`,
      };
    }),
  );

  router.post(
    '/flows/:id/cancel',
    change(async (call) => {
      const { id } = await call.client.flows.cancel(call.param('id'));
      return { to: `${path}/${id}`, told: 'Nothing more of it is started.' };
    }),
  );
  router.post(
    '/flows/:id/retry',
    change(async (call) => {
      const { id } = await call.client.flows.retry(call.param('id'));
      return { to: `${path}/${id}`, told: 'It goes on where it failed.' };
    }),
  );
}

/** Only what was begun: what would undo a step says nothing of the flow. */
function wasUndone(compensation: FlowResource['steps'][number]['compensation']): boolean {
  return compensation !== null && compensation.status !== 'none';
}
