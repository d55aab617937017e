import type { Evidence, MoneyRow, ProviderEffect } from './evidence.ts';
import { personalData } from './producer.ts';

/** A broken promise. */
export interface Violation {
  invariant: string;
  subject: string;
  detail: string;
}

type Invariant = (evidence: Evidence) => Iterable<Omit<Violation, 'invariant'>>;

/** What must hold at the end of every run, by name. `docs/reliability.md` says what each stands for. */
export const invariants: Readonly<Record<string, Invariant>> = {
  'no acknowledged money job is lost': function* ({ acknowledged, money, flows }) {
    const kept = new Set([...money.map(({ id }) => id), ...flows.map(({ id }) => id)]);
    for (const { id, key, queue } of acknowledged) {
      if (queue === 'money' && !kept.has(id)) yield { subject: id, detail: `${key} was acknowledged and is not there` };
    }
  },

  'no job is stuck': function* ({ money, flows, left }) {
    for (const { id, status } of money) {
      if (!ended.has(status)) yield { subject: id, detail: `is ${status}` };
    }
    for (const { id, status } of flows) {
      if (status === 'running' || status === 'compensating') yield { subject: id, detail: `the flow is ${status}` };
    }
    for (const [queue, count] of Object.entries(left)) {
      if (count > 0) yield { subject: queue, detail: `${count} jobs wait or run` };
    }
  },

  'a money job has exactly one effect, or a dead letter and none': function* ({ money, effects, letters }) {
    const byJob = Map.groupBy(effects, (effect) => effect.jobId ?? '');
    const dead = new Set(letters);
    for (const row of money) {
      const made = effectsOf(row, byJob, effects);
      const problem = row.status === 'completed' ? effectProblem(row, made) : unmadeProblem(row, made, dead);
      if (problem !== null) yield { subject: row.id, detail: `${row.type} ${row.status}: ${problem}` };
    }
  },

  'the provider has no effect that the ledger does not know': function* ({ money, effects }) {
    const jobs = new Set(money.map(({ id }) => id));
    const mints = new Set(money.map(({ result }) => result?.['mintAddress']));
    for (const { kind, id, jobId } of effects) {
      if (kind === 'mail') continue;
      const known = kind === 'mint' ? mints.has(id) : jobId !== null && jobs.has(jobId);
      if (!known) yield { subject: id, detail: `a ${kind} of no job` };
    }
  },

  'a job comes to what was expected of it': function* ({ acknowledged, money, flows }) {
    const statuses = new Map([...money, ...flows].map(({ id, status }) => [id, status]));
    const wanted = {
      charge: 'completed',
      decline: 'failed',
      purchase: 'completed',
      compensated: 'compensated',
    } as const;
    for (const { id, expected } of acknowledged) {
      const want = wanted[expected as keyof typeof wanted] as string | undefined;
      const got = statuses.get(id);
      if (want !== undefined && got !== undefined && got !== want)
        yield { subject: id, detail: `${expected}: is ${got}` };
    }
  },

  'an acknowledged job of another queue is done or dead-lettered': function* (evidence) {
    const { acknowledged, later, letters } = evidence;
    const statuses = new Map(later.map(({ id, status }) => [id, status]));
    const dead = new Set(letters);
    const excused = new Set(lostWithRedis(evidence));
    for (const { id, queue, at } of acknowledged) {
      if (queue === 'money' || excused.has(id)) continue;
      const status = statuses.get(id);
      const good = status === 'completed' || (status === 'failed' && dead.has(id));
      if (!good)
        yield {
          subject: id,
          detail: `${queue}: is ${status ?? 'not there'}, acknowledged at ${new Date(at).toISOString()}`,
        };
    }
  },

  'a flow agrees with its definition': function* ({ flows, money, later, dataLostAt, skewMs }) {
    const statuses = new Map([...money, ...later].map(({ id, status }) => [id, status]));
    for (const { id, status, steps } of flows) {
      const byName = new Map(steps.map((step) => [step.name, step]));
      for (const step of steps) {
        const of = step.jobId === null ? undefined : statuses.get(step.jobId);
        if (ended.has(step.status) && of !== undefined && of !== step.status)
          yield { subject: id, detail: `step ${step.name} is ${step.status}, its job ${of}` };
        if (step.status === 'completed' && of === undefined && dataLostAt.length === 0)
          yield { subject: id, detail: `step ${step.name} completed without a job` };
        for (const name of step.dependsOn) {
          const before = byName.get(name)?.finishedAt ?? null;
          if (step.startedAt !== null && (before === null || before - skewMs > step.startedAt))
            yield { subject: id, detail: `step ${step.name} started before ${name} had ended` };
        }
        if (
          status === 'completed' &&
          step.status !== 'completed' &&
          step.status !== 'skipped' &&
          step.status !== 'failed'
        )
          yield { subject: id, detail: `completed with step ${step.name} ${step.status}` };
      }
      if (status === 'compensated' && !steps.some((step) => step.compensationStatus === 'completed'))
        yield { subject: id, detail: 'compensated, and nothing was undone' };
    }
  },

  'a schedule fires each time once': function* ({ fires, dataLostAt }) {
    for (const [schedule, own] of Map.groupBy(fires, (fire) => fire.scheduleId)) {
      const jobs = own.flatMap(({ jobId }) => (jobId === null ? [] : [jobId]));
      if (new Set(jobs).size !== jobs.length) yield { subject: schedule, detail: 'two fires share a job' };
      for (const [index, fire] of own.entries()) {
        const before = own[index - 1];
        const at = new Date(fire.fireAt).toISOString();
        if (before !== undefined && Math.round(fire.fireAt - before.fireAt) !== fire.everyMs)
          yield { subject: schedule, detail: `no fire between ${new Date(before.fireAt).toISOString()} and ${at}` };
        if (fire.status !== 'fired') yield { subject: schedule, detail: `the fire of ${at} is ${fire.status}` };
        else if (fire.jobStatus !== 'completed' && !dataLostAt.some((lostAt) => lostAt > fire.fireAt - clockSlackMs))
          yield { subject: schedule, detail: `the job of ${at} is ${fire.jobStatus ?? 'not there'}` };
      }
    }
  },

  'a webhook tells of each end': function* (evidence) {
    const heard = new Set(evidence.heardOf);
    const excused = new Set(lostWithRedis(evidence));
    for (const { id, told } of evidence.acknowledged) {
      if (told && !excused.has(id) && !heard.has(id)) yield { subject: id, detail: 'nobody was told of its end' };
    }
  },

  'sums agree with the provider': function* ({ sums, effects }) {
    for (const [operation, kind] of [
      ['payment_intents.confirm', 'charge'],
      ['refunds.create', 'refund'],
    ] as const) {
      const theirs = totals(effects.filter((effect) => effect.kind === kind));
      const ours = new Map(sums.filter((sum) => sum.operation === operation).map((sum) => [sum.currency, sum.amount]));
      for (const currency of new Set([...theirs.keys(), ...ours.keys()])) {
        const [here, there] = [ours.get(currency) ?? 0, theirs.get(currency) ?? 0];
        if (here !== there) yield { subject: `${operation} ${currency}`, detail: `ledger ${here}, provider ${there}` };
      }
    }
  },

  'only who holds a money job ends it': function* ({ moves }) {
    const holders = new Map<string, string | null>();
    for (const { jobId, who, fencing, from, to } of moves) {
      if (to === 'processing') holders.set(`${jobId} ${fencing}`, who);
      else if (from === 'processing' && who?.startsWith('worker-')) {
        const holder = holders.get(`${jobId} ${fencing}`) ?? 'nobody';
        if (holder !== who) yield { subject: jobId, detail: `${holder} held it, ${who} made it ${to}` };
      }
    }
  },

  'no process ends of an error that it did not expect': function* ({ logs }) {
    for (const [process, text] of Object.entries(logs)) {
      const line = text.split('\n').find((candidate) => candidate.includes('"An error was not caught"'));
      if (line !== undefined) yield { subject: process, detail: line.slice(0, 500) };
    }
  },

  'no secret and no personal data is logged': function* ({ logs, secrets }) {
    for (const [process, text] of Object.entries(logs)) {
      for (const secret of secrets) {
        if (text.includes(secret)) yield { subject: process, detail: 'logged a secret' };
      }
      for (const pattern of personalData) {
        const found = pattern.exec(text);
        if (found !== null) yield { subject: process, detail: `logged personal data like ${pattern}` };
      }
    }
  },
};

/** All broken promises; empty when the run is green. */
export function check(evidence: Evidence): Violation[] {
  return Object.entries(invariants).flatMap(([invariant, find]) =>
    [...find(evidence)].map((violation) => ({ invariant, ...violation })),
  );
}

/** Acknowledged jobs of the other queues that went with Redis' data: the promise excepts and counts them. */
export function lostWithRedis({ acknowledged, later, dataLostAt }: Evidence): string[] {
  const known = new Set(later.filter(({ status }) => ended.has(status)).map(({ id }) => id));
  return acknowledged
    .filter(
      ({ id, queue, at }) => queue !== 'money' && !known.has(id) && dataLostAt.some((lost) => lost > at - clockSlackMs),
    )
    .map(({ id }) => id);
}

const ended = new Set(['completed', 'failed', 'cancelled']);
/** Between the answer that the producer noted and what the servers did. */
const clockSlackMs = 5_000;

const kinds: Readonly<Record<string, ProviderEffect['kind']>> = {
  'payment-process': 'charge',
  'refund-process': 'refund',
  'nft-mint': 'mint',
};

function effectsOf(
  { id, type, result }: MoneyRow,
  byJob: ReadonlyMap<string, readonly ProviderEffect[]>,
  effects: readonly ProviderEffect[],
): ProviderEffect[] {
  const kind = kinds[type];
  if (kind !== 'mint') return (byJob.get(id) ?? []).filter((effect) => effect.kind === kind);
  const address = result?.['mintAddress'];
  return effects.filter((effect) => effect.kind === 'mint' && effect.id === address);
}

function effectProblem({ type, result }: MoneyRow, made: readonly ProviderEffect[]): string | null {
  if (made.length !== 1) return `${made.length} effects at the provider`;
  const [effect] = made;
  const claimed = type === 'payment-process' ? result?.['paymentIntentId'] : (result?.['refundId'] ?? effect?.id);
  if (claimed !== effect?.id) return `says ${String(claimed)}, the provider has ${effect?.id}`;
  const amount = result?.['amount'];
  return effect?.amount === null || amount === effect?.amount
    ? null
    : `says ${String(amount)}, the provider has ${effect?.amount}`;
}

function unmadeProblem(row: MoneyRow, made: readonly ProviderEffect[], dead: ReadonlySet<string>): string | null {
  if (made.length > 0) return `${made.length} effects at the provider`;
  return row.status === 'failed' && !dead.has(row.id) ? 'has no dead letter' : null;
}

function totals(effects: readonly ProviderEffect[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { currency, amount } of effects) sums.set(currency ?? '', (sums.get(currency ?? '') ?? 0) + (amount ?? 0));
  return sums;
}
