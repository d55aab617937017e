import Stripe from 'stripe';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HookRequest } from '../alerts/simulator.ts';
import { startAlerts } from '../alerts/start.ts';
import { cardPayment, type StripeBench, stripeBench, VENUE } from './test-client.ts';

const secret = 'whsec_sandbox';
let bench: StripeBench;
let receiver: Awaited<ReturnType<typeof startAlerts>>;
beforeEach(async () => {
  receiver = await startAlerts();
  bench = await stripeBench();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
  await receiver.stop();
});

const url = () => `${receiver.url}/hooks/stripe`;
const typesOf = (requests: HookRequest[]) => requests.map((request) => (JSON.parse(request.body) as Stripe.Event).type);
const PAYMENT = ['payment_intent.created', 'charge.succeeded', 'payment_intent.succeeded'];

describe('webhooks', () => {
  it("carry signatures that the SDK's own verifier accepts, and no other secret's", async () => {
    const { stripe, sandbox } = bench;
    sandbox.webhooks.add({ url: url(), secret });
    const intent = await stripe.paymentIntents.create(cardPayment());
    await sandbox.webhooks.settled();
    const requests = receiver.hooks('stripe');
    expect(requests).toHaveLength(3);
    for (const request of requests) {
      const header = String(request.headers['stripe-signature']);
      const event = stripe.webhooks.constructEvent(request.body, header, secret);
      expect(event).toMatchObject({
        object: 'event',
        livemode: false,
        pending_webhooks: 1,
        request: { id: intent.lastResponse.requestId },
      });
      expect(() => stripe.webhooks.constructEvent(request.body, header, 'whsec_other')).toThrow(
        Stripe.errors.StripeSignatureVerificationError,
      );
      expect(() => stripe.webhooks.constructEvent(`${request.body} `, header, secret)).toThrow();
    }
    expect(typesOf(requests).toSorted()).toEqual(PAYMENT.toSorted());
  });

  it('name the connected account and the idempotency key', async () => {
    const { stripe, sandbox } = bench;
    sandbox.webhooks.add({ url: url(), secret, events: ['payment_intent.succeeded'] });
    await stripe.paymentIntents.create(cardPayment(), { stripeAccount: VENUE, idempotencyKey: 'k-1' });
    await sandbox.webhooks.settled();
    const [request] = receiver.hooks('stripe');
    expect(JSON.parse(String(request?.body))).toMatchObject({ account: VENUE, request: { idempotency_key: 'k-1' } });
  });

  it('show the object as it was at the event, not as it is now', async () => {
    const { stripe, sandbox } = bench;
    sandbox.webhooks.add({ url: url(), secret });
    sandbox.webhooks.hold();
    const intent = await stripe.paymentIntents.create(cardPayment({ capture_method: 'manual' }));
    await stripe.paymentIntents.capture(intent.id);
    await sandbox.webhooks.release();
    const events = receiver
      .hooks('stripe')
      .map((request) => JSON.parse(request.body) as Stripe.PaymentIntentCreatedEvent);
    expect(events.find((event) => event.type === 'payment_intent.created')?.data.object.status).toBe(
      'requires_confirmation',
    );
  });

  it('come twice when told', async () => {
    const { stripe, sandbox } = bench;
    sandbox.webhooks.add({ url: url(), secret, duplicates: 1, events: ['payment_intent.*'] });
    await stripe.paymentIntents.create(cardPayment());
    await sandbox.webhooks.settled();
    const ids = receiver.hooks('stripe').map((request) => (JSON.parse(request.body) as Stripe.Event).id);
    expect([ids.length, new Set(ids).size]).toEqual([4, 2]);
  });

  it('can be held back and come in the reverse order', async () => {
    const { stripe, sandbox } = bench;
    sandbox.webhooks.add({ url: url(), secret });
    sandbox.webhooks.hold();
    await stripe.paymentIntents.create(cardPayment());
    expect(receiver.hooks('stripe')).toHaveLength(0);
    expect(await sandbox.webhooks.release('backward')).toBe(3);
    expect(typesOf(receiver.hooks('stripe'))).toEqual(PAYMENT.toReversed());
  });

  it('overtake each other when told', async () => {
    const { stripe, sandbox } = bench;
    sandbox.webhooks.add({ url: url(), secret, delayMs: 40, reorder: true, seed: 3 });
    for (let i = 0; i < 5; i++) await stripe.paymentIntents.create(cardPayment());
    await sandbox.webhooks.settled();
    const received = receiver.hooks('stripe').map((request) => (JSON.parse(request.body) as Stripe.Event).id);
    const made = sandbox.all('event').map((event) => event.id);
    expect(received.toSorted()).toEqual(made.toSorted());
  });

  it('are tried again until they are taken', async () => {
    const { stripe, sandbox } = bench;
    receiver.faults.add({ times: 2, do: { kind: 'status', status: 500 } });
    sandbox.webhooks.add({ url: url(), secret, events: ['payment_intent.succeeded'], retryGapMs: 1 });
    await stripe.paymentIntents.create(cardPayment());
    await sandbox.webhooks.settled();
    expect(sandbox.webhooks.deliveries().map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 500],
      [2, 500],
      [3, 200],
    ]);
    expect(receiver.hooks('stripe')).toHaveLength(1);
  });

  it('to nobody are given up, and can be sent again later', async () => {
    const { stripe, sandbox } = bench;
    sandbox.webhooks.add({
      url: 'http://127.0.0.1:1/nobody',
      secret,
      events: ['payment_intent.succeeded'],
      attempts: 2,
      retryGapMs: 1,
    });
    await stripe.paymentIntents.create(cardPayment());
    await sandbox.webhooks.settled();
    expect(sandbox.webhooks.deliveries()).toMatchObject([{ status: null }, { status: null }]);
    sandbox.webhooks.removeAll();
    sandbox.webhooks.add({ url: url(), secret });
    const [event] = (await stripe.events.list({ type: 'payment_intent.succeeded' })).data;
    sandbox.resend(String(event?.id));
    await vi.waitFor(() => expect(typesOf(receiver.hooks('stripe'))).toEqual(['payment_intent.succeeded']));
  });
});
