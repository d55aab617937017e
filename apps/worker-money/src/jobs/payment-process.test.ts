import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { day, hour, type JobPayload, minute } from '@queue-service/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createStripe } from '../stripe/client.ts';
import { anyAccount, type Bench, type BenchJob, Killed, policy, startBench } from '../stripe/testing/bench.ts';
import { createPaymentProcess } from './payment-process.ts';

const create = /^\/v1\/payment_intents$/;
const confirm = /^\/v1\/payment_intents\/[^/]+\/confirm$/;
const pending = { name: 'UnknownOutcomeError', code: 'outcome_pending', retryAfterMs: expect.any(Number) };

describe('payment-process', () => {
  let bench: Bench;
  let pay: ReturnType<typeof createPaymentProcess>;
  const payload = (more: Partial<JobPayload<'payment-process'>> = {}): JobPayload<'payment-process'> => ({
    orderId: 'order-1',
    amount: 4_900,
    currency: 'EUR',
    paymentMethodId: 'pm_card_visa',
    ...more,
  });

  beforeAll(async () => {
    bench = await startBench();
    pay = createPaymentProcess({ stripe: bench.stripe, clock: bench.sandbox.clock, accounts: anyAccount, policy });
  });
  afterEach(() => bench.sandbox.faults.clear());
  afterAll(() => bench.sandbox.stop());

  it('charges and gives the payment back as its result', async () => {
    const job = bench.job();
    const result = await job.run(pay, payload({ metadata: { seat: '12' } }));
    expect(result).toEqual({
      paymentIntentId: expect.stringMatching(/^pi_/),
      status: 'succeeded',
      amount: 4_900,
      currency: 'eur',
      chargeId: expect.stringMatching(/^ch_/),
    });
    const [intent] = bench.sandbox.all('payment_intent').slice(-1);
    expect(intent?.metadata).toEqual({ seat: '12', order_id: 'order-1', queue_job_id: job.id, queue_effect: 'charge' });
  });

  it('does not charge again when the job is run again', async () => {
    const job = bench.job();
    const first = await job.run(pay, payload());
    expect(await job.run(pay, payload())).toEqual(first);
    expect(bench.count('charge', job)).toBe(1);
  });

  it('sends money to a connected account and keeps the fee', async () => {
    const result = await bench
      .job()
      .run(pay, payload({ connectedAccountId: 'acct_1Venue', applicationFeeAmount: 300 }));
    const charge = bench.sandbox.chargeOf((result as { paymentIntentId: string }).paymentIntentId);
    expect(charge.transfer_data?.destination).toBe('acct_1Venue');
    expect(charge.application_fee_amount).toBe(300);
    expect(charge.on_behalf_of).toBe('acct_1Venue');
  });

  it('takes a fee of nothing as no fee', async () => {
    await expect(
      bench.job().run(pay, payload({ connectedAccountId: 'acct_1Venue', applicationFeeAmount: 0 })),
    ).resolves.toMatchObject({
      status: 'succeeded',
    });
  });

  describe('with a customer only', () => {
    it('charges the default payment method, the same one also after the default was changed between two tries', async () => {
      const customer = await bench.stripe.customers.create({
        payment_method: 'pm_card_visa',
        invoice_settings: { default_payment_method: 'pm_card_visa' },
      });
      const job = bench.job();
      const byCustomer = payload({ paymentMethodId: undefined, customerId: customer.id });
      bench.fail(create, { kind: 'error-instead-of-work', status: 500 });
      await expect(job.run(pay, byCustomer)).rejects.toMatchObject({ name: 'RetryableError', code: 'provider_error' });
      const other = await bench.stripe.paymentMethods.attach('pm_card_mastercard', { customer: customer.id });
      await bench.stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: other.id } });
      const paid = (await job.run(pay, byCustomer)) as { paymentIntentId: string };
      expect(bench.sandbox.chargeOf(paid.paymentIntentId).payment_method_details).toMatchObject({
        card: { brand: 'visa' },
      });
      expect(bench.count('charge', job)).toBe(1);
    });

    it('fails for good when there is none', async () => {
      const customer = await bench.stripe.customers.create({});
      await expect(
        bench.job().run(pay, payload({ paymentMethodId: undefined, customerId: customer.id })),
      ).rejects.toMatchObject({
        name: 'PermanentError',
        code: 'invalid_request',
        message: expect.stringContaining('no default payment method'),
      });
    });
  });

  it.each([
    ['pm_card_chargeDeclined', 'card_declined', 'generic_decline'],
    ['pm_card_chargeDeclinedInsufficientFunds', 'card_declined', 'insufficient_funds'],
    ['pm_card_chargeDeclinedExpiredCard', 'card_declined', 'expired_card'],
    ['pm_card_authenticationRequired', 'authentication_required', 'authentication_required'],
  ])('fails for good when %s is declined', async (paymentMethodId, code, provider) => {
    const job = bench.job();
    const failure = { name: 'PermanentError', code, message: expect.stringContaining(provider) };
    await expect(job.run(pay, payload({ paymentMethodId }))).rejects.toMatchObject(failure);
    await expect(job.run(pay, payload({ paymentMethodId }))).rejects.toMatchObject(failure);
    expect(bench.count('declined_charge', job)).toBe(1);
  });

  it.each([
    ['KWD', 1_005, 'multiple of 10'],
    ['ISK', 4_950, 'multiple of 100'],
  ])('refuses an amount in %s that Stripe cannot move, before it asks', async (currency, amount, reason) => {
    const job = bench.job();
    await expect(job.run(pay, payload({ currency, amount }))).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(reason),
    });
    expect(job.effects.size).toBe(0);
  });

  it.each([
    ['JPY', 4_900],
    ['KWD', 1_010],
  ])('charges %s in its own minor units', async (currency, amount) => {
    await expect(bench.job().run(pay, payload({ currency, amount }))).resolves.toMatchObject({
      amount,
      currency: currency.toLowerCase(),
    });
  });

  it('leaves the smallest amount to Stripe', async () => {
    await expect(bench.job().run(pay, payload({ amount: 1 }))).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('amount_too_small'),
    });
  });

  describe('exactly once', () => {
    it.each(['send', 'settle'] as const)('finishes with one charge after a kill before the %s', async (step) => {
      const job = bench.job();
      job.killBefore = step;
      await expect(job.run(pay, payload())).rejects.toBeInstanceOf(Killed);
      await expect(job.run(pay, payload())).resolves.toMatchObject({ status: 'succeeded' });
      expect(bench.count('charge', job)).toBe(1);
    });

    const faults = [
      ['a time-out after the work', { kind: 'hang-after-work' }, 'provider_timeout'],
      ['a time-out before it', { kind: 'hang' }, 'provider_timeout'],
      ['a lost connection after the work', { kind: 'reset-after-work' }, 'provider_connection_lost'],
      ['a lost connection before it', { kind: 'reset' }, 'provider_connection_lost'],
      ['a 500 after the work', { kind: 'error-after-work', status: 500 }, 'provider_error'],
      ['a saved 500', { kind: 'error-instead-of-work', status: 500 }, 'provider_error'],
      ['a 503 of the gateway', { kind: 'status', status: 503 }, 'provider_error'],
      ['a 408 of the gateway', { kind: 'status', status: 408 }, 'provider_error'],
      ['a 424 of what is behind Stripe', { kind: 'status', status: 424 }, 'provider_error'],
    ] as const;

    it.each(faults)('finishes with one charge after %s, at once or days later', async (_what, action, code) => {
      for (const later of [0, 3 * day]) {
        const job = bench.job();
        bench.fail(confirm, action);
        await expect(job.run(pay, payload())).rejects.toMatchObject({ name: 'UnknownOutcomeError', code });
        expect(job.effects.get('charge')?.status).toBe('unknown');
        bench.sandbox.clock.advance(later);
        await expect(job.run(pay, payload())).resolves.toMatchObject({ status: 'succeeded' });
        expect(bench.count('charge', job)).toBe(1);
      }
    });

    it.each(faults)('knows that nothing has happened when the intent met %s', async (_what, action, code) => {
      const job = bench.job();
      bench.fail(create, action);
      await expect(job.run(pay, payload())).rejects.toMatchObject({ name: 'RetryableError', code });
      expect(job.effects.get('charge')?.status).toBe('planned');
      await expect(job.run(pay, payload())).resolves.toMatchObject({ status: 'succeeded' });
      expect(bench.count('charge', job)).toBe(1);
    });

    it('charges once when a time-out is followed by a rate limit, and the key by its end of life', async () => {
      const job = bench.job();
      bench.fail(confirm, { kind: 'hang-after-work' });
      await expect(job.run(pay, payload())).rejects.toMatchObject({ code: 'provider_timeout' });
      bench.fail(/payment_intents/, { kind: 'status', status: 429 }, 1, 'GET');
      await expect(job.run(pay, payload())).rejects.toMatchObject({ name: 'RateLimitedError' });
      bench.fail(confirm, { kind: 'status', status: 429 });
      expect(job.effects.get('charge')?.status).toBe('unknown');
      bench.sandbox.clock.advance(3 * day);
      await expect(job.run(pay, payload())).resolves.toMatchObject({ status: 'succeeded' });
      expect(bench.count('charge', job)).toBe(1);
    });

    it('keeps its doubt through harmless failures of repeats', async () => {
      const job = bench.job();
      bench.fail(confirm, { kind: 'reset' });
      await expect(job.run(pay, payload())).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
      for (const [status, name] of [
        [429, 'RateLimitedError'],
        [409, 'RetryableError'],
      ] as const) {
        bench.fail(confirm, { kind: 'status', status });
        await expect(job.run(pay, payload())).rejects.toMatchObject({ name });
        expect(job.effects.get('charge')?.status).toBe('unknown');
      }
    });

    it('does not take a decline for the end while another confirm may be under way', async () => {
      const job = bench.job();
      const declined = payload({ paymentMethodId: 'pm_card_chargeDeclined' });
      bench.fail(confirm, { kind: 'reset' });
      await expect(job.run(pay, declined)).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
      await expect(job.run(pay, declined)).rejects.toMatchObject({ name: 'PermanentError', code: 'card_declined' });
      const id = job.effects.get('charge')?.providerId as string;
      expect((await bench.stripe.paymentIntents.retrieve(id)).status).toBe('canceled');
      expect(job.effects.get('charge')?.status).toBe('rejected');
    });

    it('finds a declined payment whose answer was lost', async () => {
      const job = bench.job();
      bench.fail(confirm, { kind: 'reset-after-work' });
      const declined = payload({ paymentMethodId: 'pm_card_chargeDeclined' });
      await expect(job.run(pay, declined)).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
      await expect(job.run(pay, declined)).rejects.toMatchObject({ name: 'PermanentError', code: 'card_declined' });
      expect(bench.count('declined_charge', job)).toBe(1);
    });

    it('asks anew when it is redriven after a decline, and remembers what was refused', async () => {
      const job = bench.job();
      await expect(job.run(pay, payload({ paymentMethodId: 'pm_card_chargeDeclined' }))).rejects.toMatchObject({
        code: 'card_declined',
      });
      const refused = job.effects.get('charge')?.providerId;
      job.renew();
      await expect(job.run(pay, payload())).resolves.toMatchObject({ status: 'succeeded' });
      expect(job.effects.get('charge')).toMatchObject({ generation: 1, refusedIds: [refused] });
      expect(bench.count('charge', job)).toBe(1);
    });

    it('looks for the charge, and does not call it refused, when its own key was revoked meanwhile', async () => {
      const job = bench.job();
      bench.fail(confirm, { kind: 'reset-after-work' });
      await expect(job.run(pay, payload())).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
      bench.fail(/payment_intents/, { kind: 'status', status: 401 }, 1, 'GET');
      await expect(job.run(pay, payload())).rejects.toMatchObject({ name: 'RetryableError' });
      await expect(job.run(pay, payload())).resolves.toMatchObject({ status: 'succeeded' });
      expect(bench.count('charge', job)).toBe(1);
    });

    it('gives up waiting at an abort, and hears the late answer all the same', async () => {
      const job = bench.job();
      bench.fail(confirm, { kind: 'hold', gate: 'slow' });
      const running = job.run(pay, payload());
      await expect.poll(() => bench.sandbox.faults.waiting('slow')).toBe(1);
      job.abort.abort(new Error('time-out'));
      await expect(running).rejects.toMatchObject({ name: 'UnknownOutcomeError', code: 'aborted' });
      expect(job.effects.get('charge')?.status).toBe('unknown');
      bench.sandbox.faults.release('slow');
      await expect.poll(() => job.effects.get('charge')?.status).toBe('confirmed');
      expect(bench.count('charge', job)).toBe(1);
    });

    it('finds the charge again when its row was lost, within the life of its key and long after', async () => {
      for (const later of [minute, 3 * day]) {
        const job = bench.job();
        const first = await job.run(pay, payload());
        job.forget('charge');
        bench.sandbox.clock.advance(later);
        expect(await job.run(pay, payload())).toMatchObject({ ...(first as object) });
        expect(bench.count('charge', job)).toBe(1);
      }
    });
  });

  describe('to be stopped', () => {
    const settle = (job: BenchJob, more = payload()) => job.settle(pay, more).catch((error: Error) => error);

    it.each([
      ['before anything left', 'hang', 'void'],
      ['after the work', 'hang-after-work', 'confirmed'],
    ] as const)('finds out what became of a confirm that was given up %s', async (_when, kind, status) => {
      const job = bench.job();
      bench.fail(confirm, { kind });
      await expect(job.run(pay, payload())).rejects.toMatchObject({ code: 'provider_timeout' });
      const end = await settle(job);
      expect(job.effects.get('charge')?.status).toBe(status);
      if (status === 'confirmed') expect(end).toMatchObject({ status: 'succeeded' });
      else expect(end).toMatchObject({ name: 'AbortError', kind: 'cancelled' });
    });

    it('makes a confirm that is still under way fail', async () => {
      const job = bench.job();
      bench.fail(confirm, { kind: 'hold', gate: 'slow' });
      await expect(job.run(pay, payload())).rejects.toMatchObject({ code: 'provider_timeout' });
      await settle(job);
      expect(job.effects.get('charge')?.status).toBe('void');
      bench.sandbox.faults.release('slow');
      await expect.poll(() => bench.sandbox.faults.waiting('slow')).toBe(0);
      expect(bench.count('charge', job)).toBe(0);
    });

    it('waits for a bank that does not let go, and then says what happened', async () => {
      const job = bench.job();
      const debit = payload({ paymentMethodId: 'pm_usBankAccount_processing' });
      await expect(job.run(pay, debit)).rejects.toMatchObject(pending);
      expect(await settle(job, debit)).toMatchObject(pending);
      bench.sandbox.settle(job.effects.get('charge')?.providerId as string);
      expect(await settle(job, debit)).toMatchObject({ status: 'succeeded' });
    });

    it('sends nothing', async () => {
      const job = bench.job();
      job.killBefore = 'send';
      await expect(job.run(pay, payload())).rejects.toBeInstanceOf(Killed);
      await settle(job);
      expect(job.effects.get('charge')?.status).toBe('void');
      expect(bench.count('charge', job)).toBe(0);
    });
  });

  it('repeats a request byte for byte, in whatever order the ledger gives its fields back', async () => {
    const bodies: string[] = [];
    const server = createServer(async (request, response) => {
      const body = await text(request);
      if (request.method === 'POST') bodies.push(body);
      response.statusCode = 429;
      response.end(JSON.stringify({ error: { type: 'rate_limit_error' } }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const apiBase = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const stripe = createStripe({ secretKey: 'sk_test_bytes', apiBase, timeoutMs: 5_000 });
    const handler = createPaymentProcess({ stripe, clock: bench.sandbox.clock, accounts: anyAccount, policy });
    const job = bench.job();
    const whole = payload({
      metadata: { zone: 'A', a: '1' },
      connectedAccountId: 'acct_1Venue',
      applicationFeeAmount: 10,
    });
    await expect(job.run(handler, whole)).rejects.toMatchObject({ code: 'provider_rate_limited' });
    await expect(job.run(handler, whole)).rejects.toMatchObject({ code: 'provider_rate_limited' });
    server.close();
    server.closeAllConnections();
    expect(bodies).toHaveLength(2);
    expect(bodies[1]).toBe(bodies[0]);
  });

  it('charges once under faults of every kind, kills and passing days', async () => {
    const seed = Date.now() % 1_000_000;
    bench.sandbox.faults.random({
      seed,
      match: { method: 'POST', path: /payment_intents/ },
      rates: {
        'hang-after-work': 0.03,
        reset: 0.1,
        'reset-after-work': 0.15,
        status: { rate: 0.1, status: 503 },
        'error-after-work': { rate: 0.1, status: 500 },
        'error-instead-of-work': { rate: 0.15, status: 500 },
      },
    });
    for (let index = 0; index < 60; index += 1) {
      const job = bench.job();
      let status: string | undefined;
      for (let attempt = 0; status === undefined && attempt < 40; attempt += 1) {
        job.killBefore = ([null, 'send', 'settle', null] as const)[(index + attempt * 3 + seed) % 4] ?? null;
        const end = await job.run(pay, payload()).catch((error: Error) => error);
        if ('status' in end) status = end.status;
        // Retries come minutes later as a rule, and sometimes after a redrive a day later.
        bench.sandbox.clock.advance((index + attempt) % 7 === 0 ? day : 2 * minute);
      }
      expect({ seed, index, status, charges: bench.count('charge', job) }).toEqual({
        seed,
        index,
        status: 'succeeded',
        charges: 1,
      });
    }
  });

  describe('settled later', () => {
    const debit = payload({ paymentMethodId: 'pm_usBankAccount_processing' });
    const waiting = async (job: BenchJob) => {
      const error = await job.run(pay, debit).catch((thrown: Error) => thrown);
      expect(error).toMatchObject(pending);
      return (error as unknown as { retryAfterMs: number }).retryAfterMs;
    };
    const idOf = (job: BenchJob) => job.effects.get('charge')?.providerId as string;

    it('waits longer and longer for a bank debit, then completes', async () => {
      const job = bench.job();
      const first = await waiting(job);
      bench.sandbox.clock.advance(hour);
      expect(await waiting(job)).toBeGreaterThan(first);
      bench.sandbox.settle(idOf(job));
      await expect(job.run(pay, debit)).resolves.toMatchObject({ status: 'succeeded' });
      expect(bench.count('charge', job)).toBe(1);
    });

    it('fails when the bank refuses in the end', async () => {
      const job = bench.job();
      await waiting(job);
      bench.sandbox.settle(idOf(job), 'failed');
      await expect(job.run(pay, debit)).rejects.toMatchObject({ name: 'PermanentError', code: 'card_declined' });
    });

    it('cancels at the deadline what waits for the customer, so that it cannot be paid later', async () => {
      const job = bench.job();
      await waiting(job);
      const id = idOf(job);
      bench.sandbox.tamper(id, { status: 'requires_action' });
      await waiting(job);
      bench.sandbox.clock.advance(day);
      const failure = { name: 'PermanentError', code: 'payment_not_settled_in_time' };
      await expect(job.run(pay, debit)).rejects.toMatchObject(failure);
      expect((await bench.stripe.paymentIntents.retrieve(id)).status).toBe('canceled');
    });

    it('does not end while the bank still has it, deadline or not', async () => {
      const job = bench.job();
      await waiting(job);
      bench.sandbox.clock.advance(26 * day);
      await waiting(job);
      bench.sandbox.settle(idOf(job));
      await expect(job.run(pay, debit)).resolves.toMatchObject({ status: 'succeeded' });
    });

    it('fails when somebody cancels it at Stripe', async () => {
      const job = bench.job();
      await waiting(job);
      bench.sandbox.tamper(idOf(job), { status: 'canceled' });
      await expect(job.run(pay, debit)).rejects.toMatchObject({ name: 'PermanentError', code: 'payment_canceled' });
    });
  });

  it('is told to wait by a rate limit, for as long as Stripe says', async () => {
    bench.fail(create, { kind: 'status', status: 429, headers: { 'Retry-After': '7' } });
    const job = bench.job();
    await expect(job.run(pay, payload())).rejects.toMatchObject({ name: 'RateLimitedError', retryAfterMs: 7_000 });
    await expect(job.run(pay, payload())).resolves.toMatchObject({ status: 'succeeded' });
  });
});
