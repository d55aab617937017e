import Stripe from 'stripe';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { cardPayment, failureOf, type StripeBench, stripeBench, VENUE } from './test-client.ts';

let bench: StripeBench;
beforeAll(async () => {
  bench = await stripeBench();
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.sandbox.reset());

const HOUR_MS = 60 * 60 * 1000;
const key = (idempotencyKey: string) => ({ idempotencyKey });
const pay = (idempotencyKey: string, fields = {}) =>
  bench.stripe.paymentIntents.create(cardPayment(fields), key(idempotencyKey));
const charges = () => bench.sandbox.effects.count({ kind: 'charge' });

describe('the same key', () => {
  it('gets the first answer again, marked as replayed, and makes no second charge', async () => {
    const first = await pay('k');
    const second = await pay('k');
    expect(second.id).toBe(first.id);
    expect(first.lastResponse.headers['idempotent-replayed']).toBeUndefined();
    expect(second.lastResponse.headers).toMatchObject({
      'idempotent-replayed': 'true',
      'idempotency-key': 'k',
      'original-request': first.lastResponse.requestId,
    });
    expect(second.lastResponse.requestId).not.toBe(first.lastResponse.requestId);
    expect(charges()).toBe(1);
  });

  it('gets the answer as it was, even if the object has changed since', async () => {
    const first = await pay('k', { capture_method: 'manual' });
    await bench.stripe.paymentIntents.capture(first.id);
    expect((await pay('k', { capture_method: 'manual' })).status).toBe('requires_capture');
  });

  it('with other parameters is an error', async () => {
    await pay('k');
    const error = await failureOf(pay('k', { amount: 6000 }));
    expect(error).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
    expect(error.statusCode).toBe(400);
    expect(error.message).toContain("same parameters they were first used with. Try using a key other than 'k'");
    expect(charges()).toBe(1);
  });

  it('with the same parameters in another order is no error', async () => {
    const first = await pay('k');
    const { amount, currency, ...rest } = cardPayment();
    const second = await bench.stripe.paymentIntents.create({ ...rest, currency, amount }, key('k'));
    expect(second.id).toBe(first.id);
  });

  it('at another endpoint is an error', async () => {
    const { id } = await pay('k');
    const error = await failureOf(bench.stripe.refunds.create({ payment_intent: id }, key('k')));
    expect(error).toMatchObject({ statusCode: 400, rawType: 'idempotency_error' });
    expect(error.message).toContain("'/v1/refunds' vs '/v1/payment_intents'");
  });

  it('of another account is another key', async () => {
    const first = await pay('k');
    const direct = await bench.stripe.paymentIntents.create(cardPayment(), { ...key('k'), stripeAccount: VENUE });
    expect(direct.id).not.toBe(first.id);
    expect(charges()).toBe(2);
  });

  it('while the first request runs is a 409 that may be retried', async () => {
    const { sandbox } = bench;
    sandbox.faults.add({ do: { kind: 'hold', gate: 'g' } });
    const first = pay('k');
    await vi.waitFor(() => expect(sandbox.faults.waiting('g')).toBe(1));
    const second = await failureOf(pay('k'));
    expect(second).toMatchObject({
      statusCode: 409,
      code: 'idempotency_key_in_use',
      rawType: 'idempotency_error',
      headers: { 'stripe-should-retry': 'true' },
    });
    sandbox.faults.release('g');
    expect((await pay('k')).id).toBe((await first).id);
    expect(charges()).toBe(1);
  });

  it('is forgotten after 24 hours: then it is a new charge', async () => {
    const first = await pay('k');
    bench.sandbox.clock.advance(24 * HOUR_MS - 60_000);
    expect((await pay('k')).id).toBe(first.id);
    bench.sandbox.clock.advance(60_000);
    const late = await pay('k');
    expect(late.id).not.toBe(first.id);
    expect(late.lastResponse.headers['idempotent-replayed']).toBeUndefined();
    expect(charges()).toBe(2);
  });

  it('is ignored on a GET', async () => {
    const { id } = await pay('k');
    expect((await bench.stripe.paymentIntents.retrieve(id, {}, key('k'))).id).toBe(id);
  });

  it('may be 255 characters long', async () => {
    expect((await pay('k'.repeat(255))).status).toBe('succeeded');
    expect(await failureOf(pay('k'.repeat(256)))).toMatchObject({ statusCode: 400 });
  });
});

describe('errors under a key', () => {
  it('of the execution are saved: a decline is replayed', async () => {
    const fields = { payment_method: 'pm_card_chargeDeclined' };
    const first = await failureOf(pay('k', fields));
    const second = await failureOf(pay('k', fields));
    expect(second.payment_intent?.id).toBe(first.payment_intent?.id);
    expect(second.headers?.['idempotent-replayed']).toBe('true');
    expect(bench.sandbox.effects.counts()).toEqual({ declined_charge: 1 });
  });

  it('of validation are not saved', async () => {
    await failureOf(pay('k', { amount: 'x' as unknown as number }));
    expect((await pay('k')).status).toBe('succeeded');
  });

  it('of authentication and of rate limits are not saved', async () => {
    bench.sandbox.faults.add({ do: { kind: 'status', status: 401 } });
    bench.sandbox.faults.add({ do: { kind: 'status', status: 429 } });
    expect(await failureOf(pay('k'))).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
    expect(await failureOf(pay('k'))).toBeInstanceOf(Stripe.errors.StripeRateLimitError);
    expect((await pay('k')).status).toBe('succeeded');
  });

  it.each([
    ['error-after-work', 1],
    ['error-instead-of-work', 0],
  ] as const)('that are a 500 by %s are replayed for ever, with %i charges made', async (kind, made) => {
    bench.sandbox.faults.add({ do: { kind, status: 500 } });
    const first = await failureOf(pay('k', { metadata: { queue_job_id: 'job-1' } }));
    expect(first).toMatchObject({ statusCode: 500, headers: { 'stripe-should-retry': 'false' } });
    for (const _ of [1, 2]) {
      const replayed = await failureOf(pay('k', { metadata: { queue_job_id: 'job-1' } }));
      expect(replayed.statusCode).toBe(500);
      expect(replayed.headers?.['idempotent-replayed']).toBe('true');
    }
    expect(charges()).toBe(made);
    const found = await bench.stripe.paymentIntents.search({ query: "metadata['queue_job_id']:'job-1'" });
    expect(found.data).toHaveLength(made);
  });

  it('hide even a decline behind a 500, if the fault comes after the work', async () => {
    bench.sandbox.faults.add({ do: { kind: 'error-after-work', status: 500 } });
    const fields = { payment_method: 'pm_card_chargeDeclined' };
    expect((await failureOf(pay('k', fields))).statusCode).toBe(500);
    expect((await failureOf(pay('k', fields))).statusCode).toBe(500);
    expect(bench.sandbox.effects.counts()).toEqual({ declined_charge: 1 });
  });

  it('that are a refused 503 are not saved', async () => {
    bench.sandbox.faults.add({ do: { kind: 'status', status: 503 } });
    expect((await failureOf(pay('k'))).statusCode).toBe(503);
    expect((await pay('k')).status).toBe('succeeded');
    expect(charges()).toBe(1);
  });
});

describe('lost answers under a key', () => {
  it.each(['hang-after-work', 'reset-after-work'] as const)('%s: the repeat gets the saved answer', async (kind) => {
    bench.sandbox.faults.add({ times: 2, do: { kind } });
    const options = { ...key('k'), timeout: 300 };
    const lost = await failureOf(bench.stripe.paymentIntents.create(cardPayment(), options));
    expect(lost).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    bench.sandbox.faults.clear();
    const repeated = await pay('k');
    expect(repeated.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(charges()).toBe(1);
  });

  it("the SDK's own repeat after a reset is no second charge", async () => {
    bench.sandbox.faults.add({ do: { kind: 'reset-after-work' } });
    // It repeats once after ECONNRESET even with maxNetworkRetries 0.
    const intent = await bench.stripe.paymentIntents.create(cardPayment());
    expect(intent.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(charges()).toBe(1);
  });
});
