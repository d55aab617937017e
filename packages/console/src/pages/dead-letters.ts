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

type RedriveRun = Awaited<ReturnType<Call['client']['deadLetters']['redriveRun']>>;

const path = '/admin/dead-letters';
/** By which many are started again at once. */
const filterNames = ['queue', 'type', 'reason', 'code'] as const;

/** Jobs that failed for good: why, and what to do about it, one by one or many at once. */
export function deadLetterPages(router: Router, { view, change }: Handlers): void {
  router.get(
    '/dead-letters',
    view(async (call) => {
      const filters = call.filters<Filters>('queue', 'type', 'status', 'reason', 'code');
      const { deadLetters, nextCursor } = await call.client.deadLetters.list(filters);
      return {
        title: 'Dead letters',
        body: html`
          <h1>Dead letters</h1>
          ${filterForm(path, [
            select('status', 'Status', ['open', 'redriven', 'discarded'], filters.status),
            select('queue', 'Queue', queueNames, filters.queue),
            select('type', 'Type', jobTypes, filters.type),
            select('reason', 'Died of', ['attempts', 'permanent', 'timeout', 'stalled', 'contract'], filters.reason),
            input('code', 'Error code', filters.code),
          ])}
          <form method="post" action="${path}/redrive" class="actions">
            ${hidden(filters)}
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
      const filter = Object.fromEntries(
        filterNames.flatMap((name) => (call.field(name) === undefined ? [] : [[name, call.field(name)]])),
      ) as RedriveMany['filter'] & {};
      if (call.field('confirmed') === undefined) {
        const { matching, deadLetters } = await call.client.deadLetters.redriveMany({ filter, dryRun: true });
        return { title: 'Redrive', body: dryRun(call, matching, deadLetters, filter) };
      }
      const { deadLetters, skipped, run } = await call.client.deadLetters.redriveMany({ filter, dryRun: false });
      if (run !== null)
        return { to: `${path}/redrives/${run.id}`, told: `${run.total} are started again, bit by bit.` };
      const told = `${deadLetters.length} started again${skipped.length > 0 ? `, ${skipped.length} could not be` : ''}.`;
      return { to: `${path}?status=redriven`, told, failed: deadLetters.length === 0 && skipped.length > 0 };
    }),
  );

  router.get(
    '/dead-letters/redrives/:id',
    view(async (call) => {
      const run = await call.client.deadLetters.redriveRun(call.param('id'));
      return { title: 'Redrive', body: runPage(run) };
    }),
  );
  router.post(
    '/dead-letters/redrives/:id/stop',
    change(async (call) => {
      const { id } = await call.client.deadLetters.stopRedrive(call.param('id'));
      return { to: `${path}/redrives/${id}`, told: 'Stopped; what it has started goes on.' };
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

type Filter = Partial<Record<(typeof filterNames)[number], string | undefined>>;

function hidden(filter: Filter): Html {
  return html`${filterNames.map((name) => html`<input type="hidden" name="${name}" value="${filter[name] ?? ''}">`)}`;
}

function dryRun(call: Call, matching: number, letters: readonly DeadLetterResource[], filter: Filter): Html {
  return html`
    <h1>Redrive ${matching} ${matching === 1 ? 'job' : 'jobs'}?</h1>
    <p>
      Nothing was started yet. These open dead letters ${ofFilter(filter)} would be, the newest first.
      ${matching > letters.length && html`The first ${letters.length} are shown; so many are started bit by bit, and can be stopped.`}
    </p>
    <form method="post" action="${path}/redrive" class="actions">
      ${hidden(filter)}
      <input type="hidden" name="confirmed" value="yes">
      ${matching > 0 && html`<button class="primary">Start ${matching} again</button>`}
      <a class="button" href="${path}?status=open">Back</a>
    </form>
    ${letterTable(call, letters)}`;
}

function runPage(run: RedriveRun): Html {
  const { id, status, total, redriven, skipped, ratePerSecond, createdBy, createdAt, finishedAt } = run;
  const done = redriven + skipped;
  return html`
    <div id="live" data-live="${status === 'running' ? 1 : 10}">
      <div class="title"><h1>Redrive of ${total} jobs</h1>${badge(status)}</div>
      <p><progress max="${total}" value="${done}" aria-label="${done} of ${total}"></progress> ${done} of ${total}</p>
      ${status === 'running' && action(`${path}/redrives/${id}/stop`, 'Stop', { className: 'danger' })}
      <div class="card">
        ${facts([
          ['started again', redriven],
          ['could not be', skipped],
          ['at most a second', ratePerSecond],
          ['asked for by', createdBy],
          ['began', at(createdAt)],
          ['ended', at(finishedAt)],
        ])}
      </div>
    </div>`;
}

function letterTable({ session, nowMs }: Call, letters: readonly DeadLetterResource[]): Html {
  return table('Dead letters', letters, [
    { name: 'Job', cell: ({ id, type }) => html`<a href="${path}/${id}">${type}</a>` },
    { name: 'Status', cell: ({ status }) => badge(status) },
    {
      name: 'Why',
      text: true,
      cell: ({ error }) => html`<code>${error.code}</code> <span class="muted">${error.message}</span>`,
    },
    { name: 'Died of', cell: ({ reason }) => reason },
    session.admin && { name: 'Tenant', cell: ({ tenantId }) => tenantId },
    { name: 'Redrives', number: true, cell: ({ redrives }) => redrives },
    { name: 'Died', cell: ({ createdAt }) => ago(createdAt, nowMs) },
  ]);
}

function ofFilter(filter: Filter): string {
  const given = filterNames.flatMap((name) => (filter[name] === undefined ? [] : [`${name} ${filter[name]}`]));
  return given.length === 0 ? 'of all kinds' : `of ${given.join(', ')}`;
}
