import { expect, it } from 'vitest';
import { check, invariants, lostWithRedis } from './checker.ts';
import type { Evidence } from './evidence.ts';

const at = Date.UTC(2026, 0, 1);
const payment = { type: 'payment-process', attempts: 1, crashes: 0 };

/** A small run in which every promise was kept. */
function green(): Evidence {
  const asked = { kind: 'job', queue: 'money', told: true, at } as const;
  return {
    acknowledged: [
      { ...asked, key: 'a', id: 'paid', expected: 'charge' },
      { ...asked, key: 'b', id: 'declined', expected: 'decline' },
      { ...asked, key: 'c', id: 'flow', kind: 'flow', told: false, expected: 'purchase' },
      { ...asked, key: 'd', id: 'mail', queue: 'communication', expected: 'mail' },
    ],
    money: [
      { ...payment, id: 'paid', status: 'completed', result: { paymentIntentId: 'pi_1', amount: 500 } },
      { ...payment, id: 'declined', status: 'failed', result: null },
      {
        ...payment,
        id: 'in-flow',
        status: 'completed',
        result: { paymentIntentId: 'pi_2', amount: 700 },
      },
      {
        ...payment,
        id: 'mint',
        type: 'nft-mint',
        status: 'completed',
        result: { mintAddress: 'mint_1' },
      },
    ],
    later: [{ id: 'mail', status: 'completed' }],
    letters: ['declined'],
    flows: [
      {
        id: 'flow',
        status: 'completed',
        steps: [step('payment', 'in-flow', [], at), step('mint', 'mint', ['payment'], at + 2_000)],
      },
    ],
    fires: [0, 1, 2].map((n) => ({
      ...{ scheduleId: 's', everyMs: 1_000, fireAt: at + n * 1_000, status: 'fired', jobStatus: 'completed' },
      jobId: `tick-${n}`,
    })),
    effects: [
      { kind: 'charge', id: 'pi_1', jobId: 'paid', amount: 500, currency: 'eur' },
      { kind: 'charge', id: 'pi_2', jobId: 'in-flow', amount: 700, currency: 'eur' },
      { kind: 'mint', id: 'mint_1', jobId: null, amount: null, currency: null },
      { kind: 'mail', id: 'm_1', jobId: 'mail', amount: null, currency: null },
    ],
    sums: [{ operation: 'payment_intents.confirm', currency: 'eur', amount: 1_200 }],
    heardOf: ['paid', 'declined', 'mail'],
    left: { money: 0, communication: 0, background: 0 },
    moves: [
      { jobId: 'paid', who: 'api-1', fencing: 0, from: null, to: 'pending' },
      { jobId: 'paid', who: 'worker-money-1', fencing: 1, from: 'pending', to: 'processing' },
      { jobId: 'paid', who: 'worker-money-2', fencing: 2, from: 'processing', to: 'processing' },
      { jobId: 'paid', who: 'worker-money-2', fencing: 2, from: 'processing', to: 'completed' },
    ],
    logs: { 'api-1': 'accepted a job' },
    secrets: ['whsec_of-the-run'],
    dataLostAt: [],
    skewMs: 0,
  };
}

function step(
  name: string,
  jobId: string,
  dependsOn: string[],
  startedAt: number,
): Evidence['flows'][number]['steps'][0] {
  const finished = { status: 'completed', startedAt, finishedAt: startedAt + 1_000 };
  return { name, jobId, dependsOn, ...finished, compensationStatus: null };
}

/** Each breaks one promise, and what of it must be found. */
const broken: Record<string, (evidence: Evidence) => Partial<Evidence>> = {
  'no acknowledged money job is lost': ({ money }) => ({ money: money.filter(({ id }) => id !== 'declined') }),
  'no job is stuck': ({ left }) => ({ left: { ...left, money: 1 } }),
  'a money job has exactly one effect, or a dead letter and none': () => ({ letters: [] }),
  'the provider has no effect that the ledger does not know': ({ effects }) => ({
    effects: [...effects, { kind: 'mint', id: 'mint_2', jobId: null, amount: null, currency: null }],
  }),
  'a job comes to what was expected of it': ({ acknowledged }) => ({
    acknowledged: acknowledged.map((one) => (one.id === 'declined' ? { ...one, expected: 'charge' } : one)),
  }),
  'an acknowledged job of another queue is done or dead-lettered': () => ({
    later: [{ id: 'mail', status: 'failed' }],
  }),
  'a flow agrees with its definition': ({ flows: [flow] }) => ({
    flows: [{ id: 'flow', status: 'completed', steps: (flow?.steps ?? []).map((one) => ({ ...one, startedAt: at })) }],
  }),
  'a schedule fires each time once': ({ fires }) => ({ fires: fires.filter((_, index) => index !== 1) }),
  'a webhook tells of each end': ({ heardOf }) => ({ heardOf: heardOf.slice(1) }),
  'sums agree with the provider': () => ({
    sums: [{ operation: 'payment_intents.confirm', currency: 'eur', amount: 1_199 }],
  }),
  'only who holds a money job ends it': ({ moves }) => ({
    moves: moves.map((move) => (move.to === 'completed' ? { ...move, who: 'worker-money-1' } : move)),
  }),
  'no process ends of an error that it did not expect': () => ({
    logs: { 'api-1': '{"level":"info"}\n{"level":"fatal","msg":"An error was not caught"}' },
  }),
  'no secret and no personal data is logged': () => ({ logs: { 'api-1': 'to buyer-7@example.com' } }),
};

it('finds nothing in a run that kept every promise', () => {
  expect(check(green())).toEqual([]);
});

it.each(Object.keys(invariants))('finds when this is not so: %s', (invariant) => {
  const evidence = green();
  const change = broken[invariant];
  if (change === undefined) throw new Error('nothing breaks this promise here');
  const found = check({ ...evidence, ...change(evidence) });
  expect(new Set(found.map((violation) => violation.invariant))).toEqual(new Set([invariant]));
});

it('finds a second charge of one job', () => {
  const evidence = green();
  const twice = { kind: 'charge', id: 'pi_9', jobId: 'paid', amount: 500, currency: 'eur' } as const;
  const found = check({ ...evidence, effects: [...evidence.effects, twice] });
  expect(found.map(({ detail }) => detail)).toContain('payment-process completed: 2 effects at the provider');
});

it('excuses and counts jobs that went with the data of Redis, and only those', () => {
  const lost = { ...green(), later: [], heardOf: ['paid', 'declined'] };
  expect(lostWithRedis({ ...lost, dataLostAt: [at + 1_000] })).toEqual(['mail']);
  expect(check({ ...lost, dataLostAt: [at + 1_000] })).toEqual([]);
  expect(check({ ...lost, dataLostAt: [at - 60_000] })).not.toEqual([]);
});
