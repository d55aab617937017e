import type { JobResource } from '@queue-service/client';
import { jobStatuses, jobTypes, queueNames } from '@queue-service/contracts';
import type { Router } from 'express';
import type { Call, Handlers } from '../call.ts';
import { action, filterForm, input, select } from '../fields.ts';
import { ago, at, badge, json, money, shortId } from '../format.ts';
import { type Content, type Html, html } from '../html.ts';
import { jobTimeline } from '../job-timeline.ts';
import { type Column, nextPage, table } from '../table.ts';

type Filters = NonNullable<Parameters<Call['client']['jobs']['list']>[0]>;

/** Jobs of all queues, the money queue's ledger, and one job with all that is known of it. */
export function jobPages(router: Router, { view, change }: Handlers): void {
  // Whoever asks about a job has its id.
  router.get('/jobs', (req, res, next) => {
    const { id } = req.query;
    if (typeof id === 'string' && id.trim() !== '') res.redirect(303, `/admin/jobs/${encodeURIComponent(id.trim())}`);
    else next();
  });
  router.get(
    '/jobs',
    view(async (call) => {
      const filters = call.filters<Filters>('queue', 'type', 'status');
      const { jobs, nextCursor } = await call.client.jobs.list(filters);
      return {
        title: 'Jobs',
        body: html`
          <h1>Jobs</h1>
          ${filterForm('/admin/jobs', [
            select('queue', 'Queue', queueNames, filters.queue),
            select('type', 'Type', jobTypes, filters.type),
            select('status', 'Status', jobStatuses, filters.status),
            input('id', 'or the job with the id', undefined),
          ])}
          <div id="live" data-live="5">${table('Jobs', jobs, jobColumns(call))}</div>
          ${nextPage('/admin/jobs', { ...filters }, nextCursor)}`,
      };
    }),
  );

  router.get(
    '/money',
    view(async (call) => {
      const filters = call.filters<Filters>('type', 'status');
      const { jobs, nextCursor } = await call.client.jobs.list({ ...filters, queue: 'money' });
      const columns = jobColumns(call).filter((column) => column !== false && column.name !== 'Queue');
      return {
        title: 'Money',
        body: html`
          <h1>Money ledger</h1>
          ${filterForm('/admin/money', [
            select('type', 'Type', ['payment-process', 'refund-process', 'payout-process', 'nft-mint'], filters.type),
            select('status', 'Status', jobStatuses, filters.status),
          ])}
          <div id="live" data-live="5">
            ${table('Money jobs', jobs, [
              ...columns.slice(0, 2),
              { name: 'Amount', number: true, cell: ({ result }) => amountOf(result) },
              { name: 'At the provider', cell: ({ result }) => providerIdOf(result) },
              ...columns.slice(2),
            ])}
          </div>
          ${nextPage('/admin/money', { ...filters }, nextCursor)}`,
      };
    }),
  );

  router.get(
    '/jobs/:id',
    view(async (call) => {
      const id = call.param('id');
      const [job, history] = await Promise.all([call.client.jobs.get(id), call.client.jobs.history(id)]);
      const { ledger, deadLetterId } = history;
      return {
        title: job.type,
        body: html`
          <div id="live" data-live="3">
            <div class="title"><h1>${job.type}</h1>${badge(job.status)}</div>
            ${job.error !== null && html`<p class="notice bad"><strong>${job.error.code}</strong>: ${job.error.message}</p>`}
            <div class="actions">
              ${job.status === 'failed' && action(`/admin/jobs/${id}/retry`, 'Retry', { className: 'primary' })}
              ${!ended(job) && action(`/admin/jobs/${id}/cancel`, 'Cancel', { className: 'danger', confirm: `Cancel this ${job.type}?` })}
              ${deadLetterId !== null && html`<a class="button" href="/admin/dead-letters/${deadLetterId}">Dead letter</a>`}
              ${job.flowId !== null && html`<a class="button" href="/admin/flows/${job.flowId}">Flow</a>`}
              ${call.session.admin && html`<a class="button" href="/admin/audit?resourceId=${id}">Audit log</a>`}
            </div>
            <div class="columns">
              <section class="card" aria-labelledby="timeline-title">
                <h2 id="timeline-title">What happened</h2>
                ${jobTimeline(job, history)}
              </section>
              <div>
                <section class="card" aria-labelledby="facts-title">
                  <h2 id="facts-title">Job</h2>
                  ${facts([
                    ['id', html`<code>${id}</code>`],
                    ['queue', job.queue],
                    ['tenant', job.tenantId],
                    ['priority', job.priority],
                    ['attempts', `${job.attempts} of ${job.maxAttempts}`],
                    ['idempotency key', job.idempotencyKey === null ? '–' : html`<code>${job.idempotencyKey}</code>`],
                  ])}
                </section>
                ${
                  ledger !== null &&
                  html`
                    <section class="card" aria-labelledby="ledger-title">
                      <h2 id="ledger-title">Ledger</h2>
                      ${facts([
                        ['claims (fencing)', ledger.fencing],
                        ['crashes', ledger.crashes],
                        ['held by', ledger.leasedBy ?? '–'],
                        ['held until', at(ledger.leaseUntil)],
                        ['may run from', at(ledger.runAt)],
                        ['last dispatched', at(ledger.dispatchedAt)],
                      ])}
                    </section>`
                }
                ${job.result !== null && html`<section class="card" aria-labelledby="result-title"><h2 id="result-title">Result</h2>${json(job.result)}</section>`}
                ${job.delivery !== null && html`<section class="card" aria-labelledby="delivery-title"><h2 id="delivery-title">Delivery</h2>${json(job.delivery)}</section>`}
              </div>
            </div>
          </div>`,
      };
    }),
  );

  router.post(
    '/jobs/:id/retry',
    change(async (call) => {
      const id = call.param('id');
      await call.client.jobs.retry(id);
      return { to: `/admin/jobs/${id}`, told: 'The job is started again.' };
    }),
  );
  router.post(
    '/jobs/:id/cancel',
    change(async (call) => {
      const id = call.param('id');
      const { status } = await call.client.jobs.cancel(id);
      const told = status === 'cancelled' ? 'The job is cancelled.' : 'Its worker is told to stop.';
      return { to: `/admin/jobs/${id}`, told };
    }),
  );
}

function jobColumns({ session, nowMs }: Call): readonly (Column<JobResource> | false)[] {
  return [
    { name: 'Job', cell: ({ id, type }) => html`<a href="/admin/jobs/${id}">${type}</a>` },
    { name: 'Status', cell: ({ status }) => badge(status) },
    { name: 'Queue', cell: ({ queue }) => queue },
    session.admin && { name: 'Tenant', cell: ({ tenantId }) => tenantId },
    { name: 'Attempts', number: true, cell: ({ attempts, maxAttempts }) => `${attempts} of ${maxAttempts}` },
    { name: 'Created', cell: ({ createdAt }) => ago(createdAt, nowMs) },
    { name: 'Error', cell: ({ error }) => error !== null && html`<code title="${error.message}">${error.code}</code>` },
  ];
}

/** What there is to say of a thing in a word or two each. */
export function facts(pairs: readonly (readonly [string, Html | string | number])[]): Html {
  return html`<dl class="facts small wide">${pairs.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function ended({ status }: JobResource): boolean {
  return status !== 'pending' && status !== 'processing';
}

function amountOf(result: JobResource['result']): string {
  const { amount, currency } = result ?? {};
  return typeof amount === 'number' && typeof currency === 'string' ? money(amount, currency) : '';
}

const providerIds = ['paymentIntentId', 'refundId', 'payoutId', 'transferId', 'mintAddress'];

function providerIdOf(result: JobResource['result']): Content {
  const id = providerIds.map((name) => result?.[name]).find((one) => typeof one === 'string');
  return id !== undefined && html`<code>${shortId(id)}</code>`;
}
