import { randomUUID } from 'node:crypto';
import { day, type JobPayload } from '@queue-service/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { anyAccount, type Bench, type BenchJob, Killed, policy, startBench } from '../stripe/testing/bench.ts';
import { createPaymentProcess } from './payment-process.ts';
import { createRefundProcess, type RefundProcessOptions } from './refund-process.ts';

const create = /^\/v1\/refunds$/;
const pending = { code: 'outcome_pending', retryAfterMs: expect.any(Number) };
const deferred = { name: 'DeferredError', retryAfterMs: expect.any(Number) };
type Payment = { id: string; job: BenchJob };

describe('refund-process', () => {
  let bench: Bench;
  let pay: ReturnType<typeof createPaymentProcess>;
  let refund: ReturnType<typeof createRefundProcess>;
  /** What the ledger answers: payments by job, and owners by payment. */
  const payments = new Map<
    string,
    { tenantId: string; found: Awaited<ReturnType<RefundProcessOptions['findPayment']>> }
  >();
  const owners = new Map<string, string>();

  async function paid(more: Partial<JobPayload<'payment-process'>> = {}): Promise<Payment> {
    const job = bench.job();
    const money = { amount: 10_000, currency: 'eur', paymentMethodId: 'pm_card_visa' };
    // One that a bank decides later is not finished by then.
    await job.run(pay, { orderId: 'order-1', ...money, ...more }).catch(() => {});
    const id = job.effects.get('charge')?.providerId as string;
    owners.set(id, job.tenantId);
    payments.set(job.id, { tenantId: job.tenantId, found: { paymentIntentId: id } });
    return { id, job };
  }

  const refunded = (paymentIntentId: string, more: Partial<JobPayload<'refund-process'>> = {}, job = bench.job()) =>
    job.run(refund, { paymentIntentId, ...more });
  const refundOf = (job: BenchJob) => job.effects.get('refund')?.providerId as string;

  beforeAll(async () => {
    bench = await startBench();
    const options = { stripe: bench.stripe, clock: bench.sandbox.clock, accounts: anyAccount, policy };
    pay = createPaymentProcess(options);
    refund = createRefundProcess({
      ...options,
      findPayment: async (jobId, tenantId) => {
        const known = payments.get(jobId);
        return known?.tenantId === tenantId ? known.found : null;
      },
      ownerOf: async (id) => owners.get(id) ?? null,
    });
  });
  afterEach(() => bench.sandbox.faults.clear());
  afterAll(() => bench.sandbox.stop());

  it('gives all of it back', async () => {
    const { id } = await paid();
    await expect(refunded(id, { reason: 'duplicate' })).resolves.toEqual({
      refundId: expect.stringMatching(/^re_/),
      paymentIntentId: id,
      status: 'succeeded',
      amount: 10_000,
      currency: 'eur',
    });
    expect(bench.sandbox.chargeOf(id).refunded).toBe(true);
    expect(bench.sandbox.all('refund').at(-1)?.reason).toBe('duplicate');
  });

  it('keeps a reason that Stripe does not know in the metadata', async () => {
    const { id } = await paid();
    const job = bench.job();
    await refunded(id, { reason: 'event_cancelled' }, job);
    const made = await bench.stripe.refunds.retrieve(refundOf(job));
    expect(made.reason).toBeNull();
    expect(made.metadata).toEqual({ queue_reason: 'event_cancelled', queue_job_id: job.id, queue_effect: 'refund' });
  });

  it('gives a part back, then what is left, and then nothing any more', async () => {
    const { id } = await paid();
    await expect(refunded(id, { amount: 4_000 })).resolves.toMatchObject({ amount: 4_000 });
    await expect(refunded(id, { amount: 6_001 })).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'refund_exceeds_payment',
    });
    await expect(refunded(id)).resolves.toMatchObject({ amount: 6_000 });
    await expect(refunded(id)).rejects.toMatchObject({ name: 'PermanentError', code: 'already_refunded' });
    await expect(refunded(id, { amount: 1 })).rejects.toMatchObject({ code: 'already_refunded' });
  });

  it('says that it is more than is left also when another refund was quicker', async () => {
    const { id } = await paid();
    const job = bench.job();
    job.killBefore = 'send';
    await expect(refunded(id, { amount: 8_000 }, job)).rejects.toBeInstanceOf(Killed);
    bench.fail(/^\/v1\/refunds\?/, { kind: 'hold', gate: 'listing' }, 1, 'GET');
    const slow = refunded(id, { amount: 8_000 }, job);
    await expect.poll(() => bench.sandbox.faults.waiting('listing')).toBe(1);
    await bench.stripe.refunds.create({ payment_intent: id, amount: 5_000 });
    bench.sandbox.faults.release('listing');
    // Another request of this job might still be under way.
    await expect(slow).rejects.toMatchObject(pending);
    bench.sandbox.clock.advance(policy.quietMs);
    await expect(refunded(id, { amount: 8_000 }, job)).rejects.toMatchObject({
      ...{ name: 'PermanentError', code: 'refund_exceeds_payment' },
    });
  });

  it('takes the share and the fee of a destination charge back', async () => {
    const { id } = await paid({ connectedAccountId: 'acct_1Venue', applicationFeeAmount: 1_000 });
    await refunded(id, { amount: 5_000 });
    const fee = bench.sandbox.all('application_fee').at(-1);
    expect(fee?.amount_refunded).toBe(500);
    expect(bench.sandbox.all('transfer').at(-1)?.amount_reversed).toBe(5_000);
  });

  describe('exactly once', () => {
    it.each(['send', 'settle'] as const)('gives the same amount back once after a kill before the %s', async (step) => {
      const { id } = await paid();
      const job = bench.job();
      job.killBefore = step;
      await expect(refunded(id, {}, job)).rejects.toBeInstanceOf(Killed);
      await expect(refunded(id, {}, job)).resolves.toMatchObject({ amount: 10_000, status: 'succeeded' });
      await expect(refunded(id, {}, job)).resolves.toMatchObject({ amount: 10_000, status: 'succeeded' });
      expect(bench.count('refund', job)).toBe(1);
    });

    it.each(['hang-after-work', 'reset-after-work', 'reset'] as const)(
      'and once after %s, even days later',
      async (kind) => {
        const { id } = await paid();
        const job = bench.job();
        bench.fail(create, { kind });
        await expect(refunded(id, { amount: 3_000 }, job)).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
        bench.sandbox.clock.advance(2 * day);
        await expect(refunded(id, { amount: 3_000 }, job)).resolves.toMatchObject({ amount: 3_000 });
        expect(bench.count('refund', job)).toBe(1);
        expect(bench.sandbox.chargeOf(id).amount_refunded).toBe(3_000);
      },
    );

    it('two jobs of one payment do not take each other for themselves', async () => {
      const { id } = await paid();
      const [first, second] = [bench.job(), bench.job()];
      await refunded(id, { amount: 2_000 }, first);
      await refunded(id, { amount: 2_000 }, second);
      expect(refundOf(first)).not.toBe(refundOf(second));
      expect(bench.sandbox.chargeOf(id).amount_refunded).toBe(4_000);
    });
  });

  describe('whose payment', () => {
    it('does not tell one tenant of another tenant`s payment', async () => {
      const { id, job } = await paid();
      const stranger = () => bench.job('venue-2');
      await expect(refunded(id, {}, stranger())).rejects.toMatchObject({
        name: 'PermanentError',
        code: 'payment_not_found',
      });
      await expect(stranger().run(refund, { paymentJobId: job.id })).rejects.toMatchObject({
        code: 'payment_not_found',
      });
      expect(bench.sandbox.chargeOf(id).amount_refunded).toBe(0);
    });

    it('lets only the platform refund what was not paid through this service', async () => {
      const byHand = await bench.stripe.paymentIntents.create({
        amount: 500,
        currency: 'eur',
        confirm: true,
        payment_method: 'pm_card_visa',
        automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
      });
      await expect(refunded(byHand.id)).rejects.toMatchObject({ code: 'payment_not_found' });
      await expect(refunded(byHand.id, {}, bench.job('platform'))).resolves.toMatchObject({ amount: 500 });
    });

    it('does not let the platform refund a tenant`s payment by accident', async () => {
      const { id } = await paid();
      await expect(refunded(id, {}, bench.job('platform'))).rejects.toMatchObject({ code: 'payment_not_found' });
    });

    it('says that Stripe does not know a payment', async () => {
      await expect(refunded('pi_doesnotexist', {}, bench.job('platform'))).rejects.toMatchObject({
        code: 'payment_not_found',
      });
    });
  });

  describe('by the payment`s job', () => {
    it('finds the payment', async () => {
      const { id, job } = await paid();
      await expect(bench.job().run(refund, { paymentJobId: job.id })).resolves.toMatchObject({
        paymentIntentId: id,
        amount: 10_000,
      });
    });

    it('waits while that job runs', async () => {
      const jobId = randomUUID();
      payments.set(jobId, { tenantId: 'venue-1', found: 'unfinished' });
      await expect(bench.job().run(refund, { paymentJobId: jobId })).rejects.toMatchObject(deferred);
    });

    it('fails when there is no such job', async () => {
      await expect(bench.job().run(refund, { paymentJobId: randomUUID() })).rejects.toMatchObject({
        code: 'payment_not_found',
      });
    });
  });

  describe('of an unsettled payment', () => {
    it('waits for the money, then gives it back', async () => {
      const { id } = await paid({ paymentMethodId: 'pm_usBankAccount_processing' });
      const job = bench.job();
      await expect(refunded(id, {}, job)).rejects.toMatchObject(deferred);
      expect(job.effects.size).toBe(0);
      bench.sandbox.settle(id);
      // Refunds of a bank debit take their time as well.
      await expect(refunded(id, {}, job)).rejects.toMatchObject(pending);
      bench.sandbox.endRefund(refundOf(job), 'succeeded');
      await expect(refunded(id, {}, job)).resolves.toMatchObject({ amount: 10_000 });
    });

    it('has nothing to give back when the payment fails', async () => {
      const { id } = await paid({ paymentMethodId: 'pm_usBankAccount_processing' });
      bench.sandbox.settle(id, 'failed');
      await expect(refunded(id)).rejects.toMatchObject({ name: 'PermanentError', code: 'payment_not_settled' });
    });

    it('cancels it at the deadline instead', async () => {
      const { id } = await paid({ paymentMethodId: 'pm_usBankAccount_processing' });
      bench.sandbox.tamper(id, { status: 'requires_action' });
      const job = bench.job();
      bench.sandbox.clock.advance(26 * day);
      await expect(refunded(id, {}, job)).rejects.toMatchObject({
        code: 'payment_not_settled',
        message: expect.stringContaining('canceled instead'),
      });
      expect((await bench.stripe.paymentIntents.retrieve(id)).status).toBe('canceled');
    });

    it('does not give up a payment that the bank still works on', async () => {
      const { id } = await paid({ paymentMethodId: 'pm_usBankAccount_processing' });
      const job = bench.job();
      bench.sandbox.clock.advance(26 * day);
      await expect(refunded(id, {}, job)).rejects.toMatchObject(deferred);
      bench.sandbox.settle(id);
      await expect(refunded(id, {}, job)).rejects.toMatchObject(pending);
      expect(bench.count('refund', job)).toBe(1);
    });
  });

  describe('that ends later', () => {
    it('waits for a pending refund', async () => {
      const { id } = await paid({ paymentMethodId: 'pm_card_pendingRefund' });
      const job = bench.job();
      await expect(refunded(id, {}, job)).rejects.toMatchObject(pending);
      bench.sandbox.endRefund(refundOf(job), 'succeeded');
      await expect(refunded(id, {}, job)).resolves.toMatchObject({ status: 'succeeded' });
      expect(bench.count('refund', job)).toBe(1);
    });

    it('fails when it comes back, and asks anew when it is redriven', async () => {
      const { id } = await paid({ paymentMethodId: 'pm_card_pendingRefund' });
      const job = bench.job();
      await expect(refunded(id, {}, job)).rejects.toMatchObject(pending);
      bench.sandbox.endRefund(refundOf(job), 'failed');
      await expect(refunded(id, {}, job)).rejects.toMatchObject({ name: 'PermanentError', code: 'refund_failed' });
      const refused = refundOf(job);
      job.renew();
      await expect(refunded(id, {}, job)).rejects.toMatchObject(pending);
      expect(refundOf(job)).not.toBe(refused);
      bench.sandbox.endRefund(refundOf(job), 'succeeded');
      await expect(refunded(id, {}, job)).resolves.toMatchObject({ status: 'succeeded' });
      expect(bench.count('refund', job)).toBe(2);
    });

    it('does not end while the money may still arrive', async () => {
      const { id } = await paid({ paymentMethodId: 'pm_card_pendingRefund' });
      const job = bench.job();
      await expect(refunded(id, {}, job)).rejects.toMatchObject(pending);
      bench.sandbox.tamper(refundOf(job), { status: 'requires_action' });
      bench.sandbox.clock.advance(61 * day);
      await expect(refunded(id, {}, job)).rejects.toMatchObject(pending);
    });
  });

  describe('to be stopped', () => {
    const settle = (id: string, job: BenchJob) => job.settle(refund, { paymentIntentId: id }).catch((e: Error) => e);

    it('is stopped only when nothing of it can be under way any more', async () => {
      const { id } = await paid();
      const job = bench.job();
      bench.fail(create, { kind: 'hang' });
      await expect(refunded(id, {}, job)).rejects.toMatchObject({ code: 'provider_timeout' });
      expect(await settle(id, job)).toMatchObject(pending);
      expect(job.effects.get('refund')?.status).toBe('unknown');
      bench.sandbox.clock.advance(policy.quietMs);
      expect(await settle(id, job)).toMatchObject({ name: 'AbortError' });
      expect(job.effects.get('refund')?.status).toBe('void');
    });

    it('is found by what was stored, whatever has become of the payment since', async () => {
      const { id } = await paid();
      const job = bench.job();
      bench.fail(create, { kind: 'hang-after-work' });
      await expect(refunded(id, {}, job)).rejects.toMatchObject({ code: 'provider_timeout' });
      expect(await settle(id, job)).toMatchObject({ status: 'succeeded', amount: 10_000 });
    });
  });

  it('takes fields that Stripe leaves out for unset', async () => {
    const { id } = await paid();
    bench.sandbox.tamper(id, { transfer_data: undefined, application_fee_amount: undefined });
    await expect(refunded(id)).resolves.toMatchObject({ amount: 10_000 });
  });
});
