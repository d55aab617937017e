import type { DeadLetterResource } from '@queue-service/client';
import { jobTypes, queueNames } from '@queue-service/contracts';
import type { Router } from 'express';
import type { Call, Handlers } from '../call.ts';
import { action, filterForm, input, select } from '../fields.ts';
import { ago, at, badge, json } from '../format.ts';
import { type Html, html } from '../html.ts';
import { nextPage, table } from '../table.ts';
import { facts } from './jobs.ts';

type Filters = NonNullable<Parameters<Call['client']['deadLetters']['list']>[0]>;
type RedriveMany = Parameters<Call['client']['deadLetters']['redriveMany']>[0];

const path = '/admin/dead-letters';

/** Jobs that failed for good: why, and what to do about it, one by one or many at once. */
export function deadLetterPages(router: Router, { view, change }: Handlers): void {
  router.get(
    '/dead-letters',
    view(async (call) => {
      const filters = call.filters<Filters>('queue', 'type', 'status');
      const { deadLetters, nextCursor } = await call.client.deadLetters.list(filters);
      return {
        title: 'Dead letters',
        body: html`
          <h1>Dead letters</h1>
          ${filterForm(path, [
            select('status', 'Status', ['open', 'redriven', 'discarded'], filters.status),
            select('queue', 'Queue', queueNames, filters.queue),
            select('type', 'Type', jobTypes, filters.type),
          ])}
          <form method="post" action="${path}/redrive" class="actions">
            <input type="hidden" name="queue" value="${filters.queue ?? ''}">
            <input type="hidden" name="type" value="${filters.type ?? ''}">
            <button>Redrive the open ones ${ofFilter(filters)}…</button>
            <span class="muted">Shows first which ones it would be.</span>
          </form>
          ${letterTable(call, deadLetters)}
          ${nextPage(path, { ...filters }, nextCursor)}`,
      };
    }),
  );

  router.post(
    '/dead-letters/redrive',
    change(async (call) => {
      const filter = { queue: call.field('queue'), type: call.field('type') };
      const request = (dryRun: boolean) => ({ filter, dryRun }) as RedriveMany;
      if (call.field('confirmed') === undefined) {
        const { deadLetters } = await call.client.deadLetters.redriveMany(request(true));
        return { title: 'Redrive', body: dryRun(call, deadLetters, filter) };
      }
      const { deadLetters, skipped } = await call.client.deadLetters.redriveMany(request(false));
      const told = `${deadLetters.length} started again${skipped.length > 0 ? `, ${skipped.length} could not be` : ''}.`;
      return { to: `${path}?status=redriven`, told, failed: deadLetters.length === 0 && skipped.length > 0 };
    }),
  );

  router.get(
    '/dead-letters/:id',
    view(async (call) => {
      const letter = await call.client.deadLetters.get(call.param('id'));
      const { id, jobId, type, status, error, attemptLog } = letter;
      return {
        title: `Dead ${type}`,
        body: html`
          <div class="title"><h1>Dead ${type}</h1>${badge(status)}</div>
          <p class="notice bad"><strong>${error.code}</strong>: ${error.message}</p>
          ${
            status === 'open'
              ? html`
                <div class="actions">
                  ${action(`${path}/${id}/redrive`, 'Redrive', { className: 'primary' })}
                  <form method="post" action="${path}/${id}/discard" class="actions">
                    ${input('reason', 'Why it is not needed', undefined, { required: true })}
                    <button class="danger">Discard</button>
                  </form>
                </div>`
              : html`<p>${badge(status)} ${ago(letter.resolvedAt, call.nowMs)} by ${letter.resolvedBy}${letter.resolvedReason !== null && html`: ${letter.resolvedReason}`}</p>`
          }
          <div class="columns">
            <section class="card" aria-labelledby="attempts-title">
              <h2 id="attempts-title">Attempts</h2>
              <ol class="timeline">
                ${attemptLog.map(
                  (attempt) => html`
                    <li class="${attempt.error === null ? 'good' : 'bad'}">
                      <span class="when">${at(attempt.endedAt)}</span>
                      Attempt ${attempt.attempt} on <code>${attempt.worker}</code>: ${attempt.outcome}
                      ${attempt.error !== null && html`<br><strong>${attempt.error.code}</strong>: ${attempt.error.message}`}
                    </li>`,
                )}
              </ol>
            </section>
            <div>
              <section class="card" aria-labelledby="letter-title">
                <h2 id="letter-title">Dead letter</h2>
                ${facts([
                  ['job', html`<a href="/admin/jobs/${jobId}"><code>${jobId}</code></a>`],
                  ['queue', letter.queue],
                  ['tenant', letter.tenantId],
                  ['died', at(letter.createdAt)],
                  ['because of', letter.reason],
                  ['attempts', `${letter.attempts} of ${letter.maxAttempts}`],
                  ['redriven before', letter.redrives],
                ])}
                ${letter.flowId !== null && html`<p><a href="/admin/flows/${letter.flowId}">Step ${letter.flowStep} of a flow</a></p>`}
              </section>
              <section class="card" aria-labelledby="data-title">
                <h2 id="data-title">Payload</h2>
                <p class="muted">Personal data is masked.</p>
                ${json(letter.data)}
              </section>
            </div>
          </div>`,
      };
    }),
  );

  router.post(
    '/dead-letters/:id/redrive',
    change(async (call) => {
      const { jobId } = await call.client.deadLetters.redrive(call.param('id'));
      return { to: `/admin/jobs/${jobId}`, told: 'The job is started again, under its own id.' };
    }),
  );
  router.post(
    '/dead-letters/:id/discard',
    change(async (call) => {
      const { id } = await call.client.deadLetters.discard(call.param('id'), call.field('reason') ?? '');
      return { to: `${path}/${id}`, told: 'Discarded: its job is not started again.' };
    }),
  );
}

function dryRun(
  call: Call,
  letters: readonly DeadLetterResource[],
  filter: { queue?: string | undefined; type?: string | undefined },
): Html {
  return html`
    <h1>Redrive ${letters.length} ${letters.length === 1 ? 'job' : 'jobs'}?</h1>
    <p>Nothing was started yet. These open dead letters ${ofFilter(filter)} would be, the newest first, at most 100 at once.</p>
    <form method="post" action="${path}/redrive" class="actions">
      <input type="hidden" name="queue" value="${filter.queue ?? ''}">
      <input type="hidden" name="type" value="${filter.type ?? ''}">
      <input type="hidden" name="confirmed" value="yes">
      ${letters.length > 0 && html`<button class="primary">Start ${letters.length} again</button>`}
      <a class="button" href="${path}?status=open">Back</a>
    </form>
    ${letterTable(call, letters)}`;
}

function letterTable({ session, nowMs }: Call, letters: readonly DeadLetterResource[]): Html {
  return table('Dead letters', letters, [
    { name: 'Job', cell: ({ id, type }) => html`<a href="${path}/${id}">${type}</a>` },
    { name: 'Status', cell: ({ status }) => badge(status) },
    { name: 'Why', cell: ({ error }) => html`<code>${error.code}</code> <span class="muted">${error.message}</span>` },
    { name: 'Died of', cell: ({ reason }) => reason },
    session.admin && { name: 'Tenant', cell: ({ tenantId }) => tenantId },
    { name: 'Redrives', number: true, cell: ({ redrives }) => redrives },
    { name: 'Died', cell: ({ createdAt }) => ago(createdAt, nowMs) },
  ]);
}

function ofFilter({ queue, type }: { queue?: string | undefined; type?: string | undefined }): string {
  if (type !== undefined) return `of the type ${type}`;
  return queue === undefined ? 'of all queues' : `of the queue ${queue}`;
}
