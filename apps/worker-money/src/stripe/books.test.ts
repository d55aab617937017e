import { compareBooks, type LedgerRow, type ProviderRow } from '@queue-service/providers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPaymentProcess } from '../jobs/payment-process.ts';
import { createPayoutProcess } from '../jobs/payout-process.ts';
import { createRefundProcess } from '../jobs/refund-process.ts';
import { findStripeRow, listStripeBooks } from './books.ts';
import { anyAccount, type Bench, type BenchJob, policy, startBench } from './testing/bench.ts';

describe('the books of Stripe', () => {
  let bench: Bench;
  const ledger: LedgerRow[] = [];
  const signal = new AbortController().signal;
  const dayAgo = () => new Date(bench.sandbox.clock.now() - 86_400_000);
  const soon = () => new Date(bench.sandbox.clock.now() + 60_000);

  const read = async (from = dayAgo(), to = soon()): Promise<ProviderRow[]> => {
    const rows: ProviderRow[] = [];
    for await (const row of listStripeBooks({ stripe: bench.stripe, from, to })) rows.push(row);
    return rows;
  };

  function book(
    job: BenchJob,
    kind: LedgerRow['kind'],
    effect: string,
    amount: number,
    account: string | null = null,
  ): LedgerRow {
    const made = job.effects.get(effect);
    const row: LedgerRow = {
      effectId: made?.id as string,
      provider: 'stripe',
      kind,
      jobId: job.id,
      effect,
      providerId: made?.providerId ?? null,
      account,
      amount,
      currency: 'EUR',
      state: made?.status === 'rejected' ? 'not_moved' : 'moved',
      created: new Date(0),
    };
    ledger.push(row);
    return row;
  }

  beforeAll(async () => {
    bench = await startBench();
    const ownerOf = async () => 'venue-1';
    const options = { stripe: bench.stripe, clock: bench.sandbox.clock, accounts: anyAccount, ownerOf, policy };
    const pay = createPaymentProcess(options);
    const refund = createRefundProcess({ ...options, findPayment: async () => null });
    const payout = createPayoutProcess(options);
    const payment = { orderId: 'order-1', amount: 5_000, currency: 'eur', paymentMethodId: 'pm_card_visa' };

    const plain = bench.job();
    await plain.run(pay, payment);
    book(plain, 'charge', 'charge', 5_000);
    const shared = bench.job();
    await shared.run(pay, { ...payment, connectedAccountId: 'acct_1Venue', applicationFeeAmount: 100 });
    book(shared, 'charge', 'charge', 5_000);
    const declined = bench.job();
    await expect(declined.run(pay, { ...payment, paymentMethodId: 'pm_card_chargeDeclined' })).rejects.toThrow();
    book(declined, 'charge', 'charge', 5_000);
    const back = bench.job();
    await back.run(refund, { paymentIntentId: plain.effects.get('charge')?.providerId as string, amount: 1_000 });
    book(back, 'refund', 'refund', 1_000);
    const transferred = bench.job();
    await transferred.run(payout, {
      destinationAccountId: 'acct_1Venue',
      amount: 700,
      currency: 'eur',
      mode: 'transfer',
    });
    book(transferred, 'transfer', 'transfer', 700);
    const paidOut = bench.job();
    const payingOut = { destinationAccountId: 'acct_1Venue', amount: 600, currency: 'eur', mode: 'payout' } as const;
    await expect(paidOut.run(payout, payingOut)).rejects.toMatchObject({ code: 'outcome_pending' });
    bench.sandbox.movePayout(paidOut.effects.get('payout')?.providerId as string, 'paid');
    await paidOut.run(payout, payingOut);
    book(paidOut, 'payout', 'payout', 600, 'acct_1Venue');
  });
  afterAll(() => bench.sandbox.stop());

  const rowOf = (kind: LedgerRow['kind']) => ledger.find((row) => row.kind === kind) as LedgerRow;

  it('agree with the ledger after every kind of job, the transfer of a destination charge left out', async () => {
    const rows = await read();
    expect(compareBooks(ledger, rows)).toEqual([]);
    expect(rows.map((row) => row.kind).toSorted()).toEqual([
      'charge',
      'charge',
      'charge',
      'payout',
      'refund',
      'transfer',
    ]);
  });

  it('hold only the period', async () => {
    expect(await read(new Date(0), dayAgo())).toEqual([]);
  });

  it('find one object again by the row of the ledger, whenever it was made', async () => {
    for (const row of ledger.filter(({ providerId }) => providerId !== null)) {
      expect(await findStripeRow(bench.stripe, row, signal)).toMatchObject({
        kind: row.kind,
        jobId: row.jobId,
        amount: row.amount,
        state: row.state,
      });
    }
    expect(await findStripeRow(bench.stripe, { ...rowOf('transfer'), providerId: 'tr_nothere' }, signal)).toBeNull();
  });

  it('show a refund and a transfer that were made by hand', async () => {
    const charge = rowOf('charge').providerId as string;
    const refund = await bench.stripe.refunds.create({ payment_intent: charge, amount: 50 });
    const transfer = await bench.stripe.transfers.create({
      amount: 10,
      currency: 'eur',
      destination: 'acct_1Other',
      source_transaction: bench.sandbox.chargeOf(charge).id,
    });
    const differences = compareBooks(ledger, await read());
    expect(
      differences.map((difference) => [difference.kind, 'provider' in difference && difference.provider.providerId]),
    ).toEqual([
      ['provider_only', refund.id],
      ['provider_only', transfer.id],
    ]);
    bench.sandbox.forget(refund.id);
    bench.sandbox.forget(transfer.id);
  });

  it('show what was taken away, and what has another amount or another end', async () => {
    const [refund, transfer, payout] = (['refund', 'transfer', 'payout'] as const).map(
      (kind) => rowOf(kind).providerId as string,
    );
    bench.sandbox.forget(refund as string);
    bench.sandbox.tamper(transfer as string, { amount: 701 });
    bench.sandbox.tamper(payout as string, { status: 'failed' });
    const differences = compareBooks(ledger, await read());
    expect(
      differences
        .map((difference) => [difference.kind, 'ledger' in difference && difference.ledger.providerId])
        .toSorted(),
    ).toEqual([
      ['amount_differs', transfer],
      ['ledger_only', refund],
      ['status_differs', payout],
    ]);
  });
});
