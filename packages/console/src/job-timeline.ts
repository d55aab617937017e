import type { JobResource } from '@queue-service/client';
import type { JobHistory } from '@queue-service/contracts';
import { at, badge, duration, money } from './format.ts';
import { type Content, type Html, html } from './html.ts';

interface Event {
  readonly when: string;
  readonly tone: 'good' | 'bad' | 'busy' | 'warn' | '';
  readonly what: Content;
}

/** Everything that is known to have happened to a job, the earliest first. */
export function jobTimeline(job: JobResource, { attempts, effects, ledger }: JobHistory): Html {
  const events: Event[] = [
    {
      when: job.createdAt,
      tone: '',
      what: html`Accepted${job.scheduledFor !== null && html`, to start at ${at(job.scheduledFor)}`}`,
    },
    ...attempts.map(attemptEvent),
    ...effects.map(effectEvent),
  ];
  if (ledger?.cancelRequestedAt)
    events.push({ when: ledger.cancelRequestedAt, tone: 'warn', what: 'Cancellation asked for' });
  if (job.status === 'processing' && job.startedAt !== null) {
    events.push({
      when: ledger?.dispatchedAt ?? job.startedAt,
      tone: 'busy',
      what: html`Runs${ledger?.leasedBy && html` on <code>${ledger.leasedBy}</code>`}`,
    });
  }
  if (job.finishedAt !== null) {
    const tone = job.status === 'completed' ? 'good' : job.status === 'failed' ? 'bad' : 'warn';
    events.push({ when: job.finishedAt, tone, what: html`Ended as ${badge(job.status)}` });
  }
  return html`
    <ol class="timeline">
      ${events
        .toSorted((a, b) => Date.parse(a.when) - Date.parse(b.when))
        .map(({ when, tone, what }) => html`<li class="${tone}"><span class="when">${at(when)}</span>${what}</li>`)}
    </ol>`;
}

function attemptEvent({ attempt, worker, startedAt, endedAt, outcome, error }: JobHistory['attempts'][number]): Event {
  const took = duration(Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)));
  return {
    when: endedAt,
    tone: error === null ? 'good' : 'bad',
    what: html`
      Attempt ${attempt} on <code>${worker}</code>: ${outcome}, ${took}
      ${error !== null && html`<br><strong>${error.code}</strong>: ${error.message} <span class="muted">(${error.retryable ? 'worth another try' : 'for good'})</span>`}`,
  };
}

const tones = {
  planned: 'busy',
  sent: 'busy',
  unknown: 'warn',
  confirmed: 'good',
  rejected: 'bad',
  void: 'bad',
} as const;

function effectEvent(effect: JobHistory['effects'][number]): Event {
  const { name, origin, provider, operation, status, amount, currency, providerId, code, message, sends, generation } =
    effect;
  return {
    when: effect.settledAt ?? effect.lastAttemptAt ?? effect.createdAt,
    tone: tones[status],
    what: html`
      Effect <strong>${name}</strong> ${badge(status)}
      ${amount !== null && currency !== null && html`<strong>${money(amount, currency)}</strong>`}<br>
      <span class="muted">${provider} ${operation}${origin === 'provider' && ', in the provider’s dashboard'}, sent ${sends} ${sends === 1 ? 'time' : 'times'}${generation > 0 && html`, under the ${generation + 1}. key`}</span>
      ${providerId !== null && html`<br><code>${providerId}</code>`}
      ${code !== null && html`<br><code>${code}</code> ${message}`}`,
  };
}
