import { randomUUID } from 'node:crypto';
import { type SettlementSums, sumSettlement } from '@queue-service/persistence';
import type { Runtime } from '@queue-service/queue';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type SeededJob, seedLedger } from '../../testing/seed-ledger.ts';
import { openTestRuntime } from '../../testing/test-runtime.ts';
import { netOf } from './settlement.ts';

let runtime: Runtime;
beforeAll(async () => {
  ({ runtime } = await openTestRuntime());
});
afterAll(() => runtime.close());

const from = new Date('2027-01-01T00:00:00Z');
const to = new Date('2027-02-01T00:00:00Z');
/** Mostly within the month, on both of its edges, and around it. */
const moment = fc.oneof(
  { weight: 6, arbitrary: fc.date({ min: from, max: new Date(to.getTime() - 1), noInvalidDate: true }) },
  fc.constantFrom(
    from,
    to,
    new Date(from.getTime() - 1),
    new Date('2026-12-05T00:00:00Z'),
    new Date('2027-03-01T00:00:00Z'),
  ),
);
const amount = fc.integer({ min: 1, max: 99_999_999 });
const currency = fc.constantFrom('eur', 'usd', 'jpy');
const venue = fc.constantFrom('venue-1', 'venue-2', 'venue-3');
const ended = fc.constantFrom(
  'completed' as const,
  'completed' as const,
  'completed' as const,
  'failed' as const,
  'processing' as const,
);

const payment = fc.record({
  tenantId: venue,
  currency,
  amount,
  status: ended,
  at: moment,
  /** Of ten thousand parts of the amount; 0: the platform keeps nothing. */
  fee: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 10_000 })),
  /** Parts of what is left, in thousandths. */
  refunds: fc.array(
    fc.record({ part: fc.integer({ min: 1, max: 1_000 }), status: ended, at: moment, byPlatform: fc.boolean() }),
    { maxLength: 3 },
  ),
});
const payout = fc.record({ tenantId: venue, currency, amount, status: ended, at: moment, transfer: fc.boolean() });

interface Entry {
  job: SeededJob;
  book: (sums: SettlementSums) => void;
  counts: boolean;
  tenantId: string;
  currency: string;
}
const within = (at: Date) => at >= from && at < to;

/** The rows of a payment and its refunds, and what each adds to the books. */
function paymentEntries(paid: typeof payment extends fc.Arbitrary<infer T> ? T : never): Entry[] {
  const fee = Math.floor((paid.amount * paid.fee) / 10_000);
  const providerId = `pi_${randomUUID()}`;
  const { tenantId, currency: code } = paid;
  const finishedAt = (status: string, at: Date) => (status === 'processing' ? null : at);
  const entries: Entry[] = [
    {
      tenantId,
      currency: code,
      counts: paid.status === 'completed' && within(paid.at),
      job: {
        type: 'payment-process',
        tenantId,
        status: paid.status,
        createdAt: paid.at,
        finishedAt: finishedAt(paid.status, paid.at),
        payload: {
          amount: paid.amount,
          ...(fee === 0 ? {} : { connectedAccountId: 'acct_1234', applicationFeeAmount: fee }),
        },
        effects: [{ amount: paid.amount, currency: code, providerId }],
      },
      book: (sums) => {
        sums.payments += 1n;
        sums.gross += BigInt(paid.amount);
        sums.fees += BigInt(fee);
      },
    },
  ];
  let left = paid.amount;
  let returned = 0n;
  const refunds = paid.refunds.map((refund) => {
    const part = Math.max(1, Math.floor((left * refund.part) / 1_000));
    left -= part;
    return { ...refund, amount: part };
  });
  for (const refund of refunds
    .filter((one) => one.amount <= paid.amount)
    .sort((a, b) => a.at.getTime() - b.at.getTime())) {
    const made = refund.status === 'completed';
    const share = (2n * BigInt(fee) * BigInt(refund.amount) + BigInt(paid.amount)) / (2n * BigInt(paid.amount));
    const back = returned + share > BigInt(fee) ? BigInt(fee) - returned : share;
    if (made) returned += back;
    entries.push({
      tenantId,
      currency: code,
      counts: made && within(refund.at),
      job: {
        type: 'refund-process',
        tenantId: refund.byPlatform ? 'platform' : tenantId,
        status: refund.status,
        createdAt: refund.at,
        finishedAt: finishedAt(refund.status, refund.at),
        effects: [
          {
            operation: 'refunds.create',
            amount: refund.amount,
            currency: code,
            response: { paymentIntentId: providerId },
          },
        ],
      },
      book: (sums) => {
        sums.refunds += 1n;
        sums.refunded += BigInt(refund.amount);
        sums.feesReturned += back;
      },
    });
  }
  return entries;
}

function payoutEntry(paid: typeof payout extends fc.Arbitrary<infer T> ? T : never): Entry {
  const { tenantId, currency: code, status, at } = paid;
  return {
    tenantId,
    currency: code,
    counts: status === 'completed' && within(at),
    job: {
      type: 'payout-process',
      tenantId,
      status,
      createdAt: at,
      finishedAt: status === 'processing' ? null : at,
      effects: [
        { operation: paid.transfer ? 'transfers.create' : 'payouts.create', amount: paid.amount, currency: code },
      ],
    },
    book: (sums) => {
      if (paid.transfer) sums.transferred += BigInt(paid.amount);
      else sums.paidOut += BigInt(paid.amount);
    },
  };
}

function booksOf(entries: readonly Entry[]): SettlementSums[] {
  const books = new Map<string, SettlementSums>();
  for (const entry of entries.filter(({ counts }) => counts)) {
    const code = entry.currency.toUpperCase();
    const key = `${entry.tenantId} ${code}`;
    const sums = books.get(key) ?? {
      tenantId: entry.tenantId,
      currency: code,
      payments: 0n,
      gross: 0n,
      refunds: 0n,
      refunded: 0n,
      disputed: 0n,
      fees: 0n,
      feesReturned: 0n,
      transferred: 0n,
      paidOut: 0n,
    };
    entry.book(sums);
    books.set(key, sums);
  }
  return [...books.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sums]) => sums);
}

it('sums a month to the ledger exactly, for every venue and currency', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(payment, { maxLength: 15 }),
      fc.array(payout, { maxLength: 8 }),
      async (payments, payouts) => {
        await runtime.db.query('truncate-ledger', 'TRUNCATE critical_jobs, effects CASCADE');
        const entries = [...payments.flatMap(paymentEntries), ...payouts.map(payoutEntry)];
        await seedLedger(
          runtime,
          entries.map(({ job }) => job),
        );
        const all = booksOf(entries);
        expect(await sumSettlement(runtime.db, { from, to, tenantId: null })).toEqual(all);
        expect(await sumSettlement(runtime.db, { from, to, tenantId: 'venue-2' })).toEqual(
          all.filter(({ tenantId }) => tenantId === 'venue-2'),
        );
      },
    ),
    { numRuns: 60 },
  );
}, 120_000);

it('gives a fee back with its refund, so that a payment that is undone leaves nothing', async () => {
  await runtime.db.query('truncate-ledger', 'TRUNCATE critical_jobs, effects CASCADE');
  const at = new Date('2027-01-10T00:00:00Z');
  const entries = paymentEntries({
    tenantId: 'venue-1',
    currency: 'eur',
    amount: 10_000,
    status: 'completed',
    at,
    fee: 1_000,
    refunds: [{ part: 1_000, status: 'completed', at, byPlatform: true }],
  });
  await seedLedger(
    runtime,
    entries.map(({ job }) => job),
  );
  const [sums] = await sumSettlement(runtime.db, { from, to, tenantId: null });
  expect(sums).toMatchObject({ gross: 10_000n, refunded: 10_000n, fees: 1_000n, feesReturned: 1_000n });
  expect(sums && netOf(sums)).toBe(0n);
});

it('counts what was done in the dashboard of the provider, on the venue whose payment it is of', async () => {
  await runtime.db.query('truncate-ledger', 'TRUNCATE critical_jobs, effects CASCADE');
  const at = new Date('2027-01-10T00:00:00Z');
  await seedLedger(runtime, [
    { createdAt: at, finishedAt: at, effects: [{ amount: 5_000, currency: 'eur', providerId: 'pi_1' }] },
  ]);
  const outside = (operation: string, amountOf: number, status = 'confirmed') => ({
    id: randomUUID(),
    name: operation,
    origin: 'provider',
    provider: 'stripe',
    operation,
    status,
    request: {},
    requestHash: Buffer.alloc(32),
    response: { paymentIntentId: 'pi_1' },
    amount: BigInt(amountOf),
    currency: 'eur',
    tenantId: 'platform',
    settledAt: at,
  });
  await runtime.db.prisma.effect.createMany({
    data: [outside('refunds.create', 300), outside('disputes', 200), outside('refunds.create', 999, 'rejected')],
  });
  expect(await sumSettlement(runtime.db, { from, to, tenantId: 'venue-1' })).toMatchObject([
    { tenantId: 'venue-1', gross: 5_000n, refunds: 1n, refunded: 300n, disputed: 200n },
  ]);
});
