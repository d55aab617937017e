import type { QueueClient, QueueName, QueueStats } from '@queue-service/client';
import type { Router } from 'express';
import type { Call, Handlers } from '../call.ts';
import { timeSeries } from '../charts/time-series.ts';
import { ago, count, duration } from '../format.ts';
import { type Html, html } from '../html.ts';

type Metric = Awaited<ReturnType<QueueClient['queues']['metrics']>>['metrics'][number];

const shownMs = 60 * 60_000;

/** The queues at a glance: how much waits and how long, what is done and what fails, pause and resume. */
export function overviewPages(router: Router, { view, change }: Handlers): void {
  router.get(
    '/',
    view(async (call) => {
      const from = call.nowMs - shownMs;
      const [queues, open] = await Promise.all([
        call.client.queues.list(),
        call.client.deadLetters.redriveMany({ dryRun: true, limit: 5 }),
      ]);
      const metrics = await Promise.all(
        queues.map(({ queue }) => call.client.queues.metrics(queue, { from: new Date(from).toISOString() })),
      );
      return {
        title: 'Overview',
        body: html`
          <h1>Overview</h1>
          <div id="live" data-live="5" class="queues">
            ${queues.map((queue, index) => queueCard(call, queue, metrics[index]?.metrics ?? [], from))}
            <section class="card all" aria-labelledby="open-title">
              <h2 id="open-title">Open dead letters: ${count(open.matching)}</h2>
              ${
                open.deadLetters.length === 0
                  ? html`<p class="empty">None: every job that failed for good was looked after.</p>`
                  : html`<ul class="plain">${open.deadLetters.map(
                      ({ id, type, error, createdAt }) => html`
                        <li><a href="/admin/dead-letters/${id}">${type}</a> <code>${error.code}</code> ${ago(createdAt, call.nowMs)} <span class="muted">${error.message}</span></li>`,
                    )}</ul>
                    <p><a href="/admin/dead-letters?status=open">All open dead letters</a></p>`
              }
            </section>
          </div>`,
      };
    }),
  );

  for (const verb of ['pause', 'resume'] as const) {
    router.post(
      `/overview/:queue/${verb}`,
      change(async (call) => {
        const { queue, paused } = await call.client.queues[verb](call.param('queue') as QueueName);
        const told = paused
          ? `The queue ${queue} is paused: running jobs go on, new ones are accepted and wait.`
          : `The queue ${queue} runs again.`;
        return { to: '/admin', told };
      }),
    );
  }
}

function queueCard(call: Call, queue: QueueStats, metrics: readonly Metric[], from: number): Html {
  const { queue: name, tier, waiting, active, delayed, oldestWaitingMs, paused, pausedAt, pausedBy, rates } = queue;
  const facts: readonly (readonly [string, string])[] = [
    ['waiting', count(waiting)],
    ['running', count(active)],
    ['delayed', count(delayed)],
    ['oldest waits', waiting === 0 ? '–' : duration(oldestWaitingMs)],
    ['done a minute', count(rates.completed)],
    ['failed a minute', count(rates.failed)],
  ];
  const times = metrics.map((metric) => ({ ...metric, at: Date.parse(metric.capturedAt) }));
  const perMinute = (field: 'completed' | 'failed') =>
    times.map((metric) => ({ at: metric.at, value: (metric[field] * 60) / metric.resolution }));
  const range = { from, to: call.nowMs };
  return html`
    <section class="card queue" aria-labelledby="queue-${name}">
      <div class="title">
        <h2 id="queue-${name}">${name}</h2>
        <span class="muted">tier ${tier}</span>
        ${paused && html`<span class="badge paused">paused</span>`}
        ${call.session.admin && pauseButton(name, paused)}
      </div>
      ${paused && pausedAt !== null && html`<p class="muted">Paused ${ago(pausedAt, call.nowMs)} by ${pausedBy}.</p>`}
      <dl class="facts">${facts.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
      ${timeSeries({
        ...range,
        title: 'Jobs a minute',
        series: [
          { name: 'completed', className: 'good', filled: true, points: perMinute('completed') },
          { name: 'failed', className: 'bad', points: perMinute('failed') },
        ],
        format: count,
        atLeast: 4,
      })}
      ${timeSeries({
        ...range,
        title: 'Oldest job waits',
        series: [
          {
            name: 'waits',
            className: 'wait',
            filled: true,
            points: times.map((metric) => ({ at: metric.at, value: metric.oldestWaitingMs })),
          },
        ],
        format: (ms) => (ms === 0 ? '0' : duration(ms)),
        atLeast: 4_000,
      })}
      <p class="links"><a href="/admin/jobs?queue=${name}">Jobs</a> <a href="/admin/dead-letters?queue=${name}&amp;status=open">Dead letters</a></p>
    </section>`;
}

function pauseButton(name: string, paused: boolean): Html {
  const verb = paused ? 'resume' : 'pause';
  return html`
    <form method="post" action="/admin/overview/${name}/${verb}">
      <button id="${verb}-${name}" class="${paused ? 'primary' : ''}" aria-label="${paused ? 'Resume' : 'Pause'} ${name}">${paused ? 'Resume' : 'Pause'}</button>
    </form>`;
}
