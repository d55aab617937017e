import { day, hour, type JobPayload } from '@queue-service/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { anyAccount, type Bench, type BenchJob, Killed, policy, startBench } from '../stripe/testing/bench.ts';
import { createPayoutProcess } from './payout-process.ts';

const pending = { code: 'outcome_pending', retryAfterMs: expect.any(Number) };

describe('payout-process', () => {
  let bench: Bench;
  let handler: ReturnType<typeof createPayoutProcess>;
  const run = (more: Partial<JobPayload<'payout-process'>> = {}, job = bench.job()) =>
    job.run(handler, {
      destinationAccountId: 'acct_1Venue',
      amount: 2_500,
      currency: 'EUR',
      mode: 'transfer',
      ...more,
    });
  /** A payment that is known as another tenant's. */
  let foreign = '';
  const payoutOf = (job: BenchJob) => job.effects.get('payout')?.providerId as string;

  beforeAll(async () => {
    bench = await startBench();
    handler = createPayoutProcess({
      stripe: bench.stripe,
      clock: bench.sandbox.clock,
      accounts: anyAccount,
      policy,
      ownerOf: async (paymentIntentId) => (paymentIntentId === foreign ? 'venue-2' : 'venue-1'),
    });
  });
  afterEach(() => bench.sandbox.faults.clear());
  afterAll(() => bench.sandbox.stop());

  describe('transfer', () => {
    it('moves money to the account', async () => {
      await expect(run({ transferGroup: 'event-77' })).resolves.toEqual({
        id: expect.stringMatching(/^tr_/),
        mode: 'transfer',
        status: 'paid',
        amount: 2_500,
        currency: 'eur',
        destinationAccountId: 'acct_1Venue',
      });
      expect(bench.sandbox.all('transfer').at(-1)?.transfer_group).toBe('event-77');
    });

    it('uses the money of a charge', async () => {
      const intent = await bench.stripe.paymentIntents.create({
        amount: 5_000,
        currency: 'eur',
        confirm: true,
        payment_method: 'pm_card_visa',
        automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
      });
      const sourceTransaction = intent.latest_charge as string;
      await run({ sourceTransaction });
      expect(bench.sandbox.all('transfer').at(-1)?.source_transaction).toBe(sourceTransaction);
      foreign = intent.id;
      const job = bench.job();
      await expect(run({ sourceTransaction }, job)).rejects.toMatchObject({ code: 'payment_not_found' });
      expect(job.effects.size).toBe(0);
    });

    it.each(['send', 'settle'] as const)('moves it once when the worker is killed before the %s', async (step) => {
      const job = bench.job();
      job.killBefore = step;
      await expect(run({}, job)).rejects.toBeInstanceOf(Killed);
      await expect(run({}, job)).resolves.toMatchObject({ status: 'paid' });
      expect(bench.count('transfer', job)).toBe(1);
    });

    it.each(['hang-after-work', 'reset-after-work', 'reset'] as const)(
      'moves it once after %s, found days later',
      async (kind) => {
        const job = bench.job();
        bench.fail(/^\/v1\/transfers$/, { kind });
        await expect(run({}, job)).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
        bench.sandbox.clock.advance(2 * day);
        await expect(run({}, job)).resolves.toMatchObject({ status: 'paid' });
        expect(bench.count('transfer', job)).toBe(1);
      },
    );

    it.each([
      ['an unknown account', { destinationAccountId: 'acct_1Nobody' }, 'account_invalid'],
      ['more than there is', { amount: 99_999_999, currency: 'chf' }, 'insufficient_funds'],
      ['an amount in thousandths', { amount: 1_001, currency: 'kwd' }, 'invalid_request'],
    ])('fails for good for %s', async (_what, more, code) => {
      bench.sandbox.setOpeningBalance('chf', 1_000);
      await expect(run(more)).rejects.toMatchObject({ name: 'PermanentError', code });
    });

    it('fails for good for an account that may not receive', async () => {
      bench.sandbox.disableAccount('acct_1Other');
      await expect(run({ destinationAccountId: 'acct_1Other' })).rejects.toMatchObject({
        name: 'PermanentError',
        code: 'account_invalid',
      });
    });
  });

  describe('payout', () => {
    it('waits until the bank has the money', async () => {
      const job = bench.job();
      await expect(run({ mode: 'payout' }, job)).rejects.toMatchObject(pending);
      bench.sandbox.clock.advance(2 * hour);
      await expect(run({ mode: 'payout' }, job)).rejects.toMatchObject({
        ...pending,
        message: expect.stringContaining('in_transit'),
      });
      bench.sandbox.movePayout(payoutOf(job), 'paid');
      await expect(run({ mode: 'payout' }, job)).resolves.toMatchObject({
        id: payoutOf(job),
        mode: 'payout',
        status: 'paid',
      });
      expect(bench.sandbox.all('payout', 'acct_1Venue').at(-1)?.metadata).toEqual({
        queue_job_id: job.id,
        queue_effect: 'payout',
      });
      expect(bench.count('payout', job)).toBe(1);
    });

    it('is made once when the answer is lost', async () => {
      const job = bench.job();
      bench.fail(/^\/v1\/payouts$/, { kind: 'reset-after-work' });
      await expect(run({ mode: 'payout' }, job)).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
      bench.sandbox.clock.advance(2 * day);
      await expect(run({ mode: 'payout' }, job)).rejects.toMatchObject(pending);
      expect(bench.count('payout', job)).toBe(1);
    });

    it('fails when the bank sends it back', async () => {
      const job = bench.job();
      await expect(run({ mode: 'payout' }, job)).rejects.toMatchObject(pending);
      bench.sandbox.movePayout(payoutOf(job), 'failed');
      await expect(run({ mode: 'payout' }, job)).rejects.toMatchObject({
        name: 'PermanentError',
        code: 'payout_failed',
        message: expect.stringContaining('account_closed'),
      });
    });

    it('fails when it is canceled at Stripe', async () => {
      const job = bench.job();
      await expect(run({ mode: 'payout' }, job)).rejects.toMatchObject(pending);
      await bench.stripe.payouts.cancel(payoutOf(job), {}, { stripeAccount: 'acct_1Venue' });
      await expect(run({ mode: 'payout' }, job)).rejects.toMatchObject({
        name: 'PermanentError',
        code: 'payout_canceled',
      });
    });

    it('does not end while the money may still arrive', async () => {
      const job = bench.job();
      await expect(run({ mode: 'payout' }, job)).rejects.toMatchObject(pending);
      bench.sandbox.clock.advance(15 * day);
      bench.sandbox.tamper(payoutOf(job), { status: 'in_transit' });
      await expect(run({ mode: 'payout' }, job)).rejects.toMatchObject(pending);
    });

    it('asks anew when it is redriven after it came back', async () => {
      const job = bench.job();
      await expect(run({ mode: 'payout' }, job)).rejects.toMatchObject(pending);
      bench.sandbox.movePayout(payoutOf(job), 'failed');
      await expect(run({ mode: 'payout' }, job)).rejects.toMatchObject({ code: 'payout_failed' });
      job.renew();
      await expect(run({ mode: 'payout' }, job)).rejects.toMatchObject(pending);
      bench.sandbox.movePayout(payoutOf(job), 'paid');
      await expect(run({ mode: 'payout' }, job)).resolves.toMatchObject({ status: 'paid' });
      expect(bench.count('payout', job)).toBe(2);
    });

    it('is taken back while it has not left, when it is to be stopped', async () => {
      const job = bench.job();
      await expect(run({ mode: 'payout' }, job)).rejects.toMatchObject(pending);
      const payload = { destinationAccountId: 'acct_1Venue', amount: 2_500, currency: 'EUR', mode: 'payout' } as const;
      await expect(job.settle(handler, payload)).rejects.toMatchObject({ name: 'AbortError' });
      expect(job.effects.get('payout')?.status).toBe('void');
      expect(bench.sandbox.all('payout', 'acct_1Venue').at(-1)?.status).toBe('canceled');
    });

    it.each([
      ['an account that is not ours', { destinationAccountId: 'acct_1Nobody' }, 'account_invalid'],
      ['more than the account has', { amount: 99_999_999, currency: 'sek' }, 'insufficient_funds'],
      ['forints with decimals', { amount: 1_050, currency: 'huf' }, 'invalid_request'],
      ['a charge to take it from', { sourceTransaction: 'ch_12345' }, 'invalid_request'],
    ])('fails for good for %s', async (_what, more, code) => {
      bench.sandbox.setOpeningBalance('sek', 1_000, 'acct_1Venue');
      await expect(run({ mode: 'payout', ...more })).rejects.toMatchObject({ name: 'PermanentError', code });
    });
  });
});
