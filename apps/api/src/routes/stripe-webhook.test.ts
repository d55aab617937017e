import { Secret } from '@queue-service/observability';
import Stripe from 'stripe';
import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RealApp, realApp } from '../testing/real-app.ts';

const secret = 'whsec_of_this_test_only';
const connectSecret = 'whsec_of_the_connect_endpoint';
let real: RealApp;
beforeAll(async () => {
  real = await realApp({ stripeWebhookSecrets: [new Secret(connectSecret), new Secret(secret)] });
});
afterAll(() => real.close());

let events = 0;
function eventOf(type: string, object: object, created = 1_900_000_000) {
  return { id: `evt_${++events}`, object: 'event', type, created, data: { object } };
}
const deliver = (body: object, options: { secret?: string; sent?: string } = {}) => {
  const payload = JSON.stringify(body);
  const header = Stripe.webhooks.generateTestHeaderString({ payload, secret: options.secret ?? secret });
  return request(real.app)
    .post('/api/v1/queue/providers/stripe/webhook')
    .set('Content-Type', 'application/json')
    .set('Stripe-Signature', header)
    .send(options.sent ?? payload);
};
const dispute = (status: string, more: object = {}) => ({
  ...{ object: 'dispute', id: 'du_1', amount: 500, currency: 'eur', status, payment_intent: 'pi_1' },
  ...more,
});
const entriesOf = (providerId: string) =>
  real.runtime.db.prisma.effect.findMany({ where: { provider: 'stripe', providerId } });

it('makes a waiting job of ours due at once, also in Redis', async () => {
  const [accepted] = await real.runtime.producer.accept([
    {
      type: 'payment-process',
      tenantId: 'venue-1',
      data: { orderId: 'o', amount: 100, currency: 'eur', paymentMethodId: 'pm_card_visa' },
      options: { delayMs: 3_600_000 },
    },
  ]);
  const id = accepted?.outcome === 'created' ? accepted.job.id : '';
  const job = await real.runtime.connections.of('money').queue.getJob(id);
  expect(await job?.isDelayed()).toBe(true);
  const intent = { object: 'payment_intent', id: 'pi_w', amount: 100, currency: 'eur', status: 'succeeded' };
  const event = eventOf('payment_intent.succeeded', { ...intent, metadata: { queue_job_id: id } });
  const answer = await deliver(event);
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({ received: true, duplicate: false });
  expect(await job?.isDelayed()).toBe(false);
  const row = await real.runtime.db.prisma.criticalJob.findUniqueOrThrow({ where: { id } });
  expect(row.runAt.getTime() - row.createdAt.getTime()).toBeLessThan(3_000_000);
  expect((await deliver(event)).body).toEqual({ received: true, duplicate: true });
  expect(await real.runtime.db.prisma.providerEvent.count({ where: { eventId: event.id } })).toBe(1);
});

it('records that what a finished job did came back, unless the event is from before', async () => {
  const { prisma } = real.runtime.db;
  const [accepted] = await real.runtime.producer.accept([
    { type: 'refund-process', tenantId: 'venue-1', data: { paymentIntentId: 'pi_9', reason: 'requested_by_customer' } },
  ]);
  const id = accepted?.outcome === 'created' ? accepted.job.id : '';
  const base = { provider: 'stripe', operation: 'refunds.create', request: {}, requestHash: Buffer.alloc(32) };
  await prisma.effect.create({
    data: {
      ...{ ...base, id: crypto.randomUUID(), jobId: id, name: 'refund', status: 'confirmed', providerId: 're_9' },
      ...{ tenantId: 'venue-1', settledAt: new Date(5_000_000) },
    },
  });
  const refund = { object: 'refund', id: 're_9', amount: 7, currency: 'eur', metadata: { queue_job_id: id } };
  const bounced = (created: number) => eventOf('refund.failed', { ...refund, status: 'failed' }, created);
  await deliver(bounced(6_000));
  expect(await entriesOf('re_9')).toMatchObject([{ status: 'confirmed' }]);
  await prisma.criticalJob.update({ where: { id }, data: { status: 'completed', finishedAt: new Date() } });
  await deliver(bounced(4_000));
  expect(await entriesOf('re_9')).toMatchObject([{ status: 'confirmed' }]);
  await deliver(bounced(6_000));
  expect(await entriesOf('re_9')).toMatchObject([{ status: 'rejected', code: 'failed', origin: 'job' }]);
});

it('takes a dispute into the ledger once; the later telling counts', async () => {
  await deliver(eventOf('charge.dispute.created', dispute('needs_response'), 2_000));
  await deliver(eventOf('charge.dispute.closed', dispute('won'), 3_000));
  await deliver(eventOf('charge.dispute.updated', dispute('under_review'), 2_500));
  expect(await entriesOf('du_1')).toMatchObject([
    { origin: 'provider', operation: 'disputes', status: 'rejected', code: 'won', amount: 500n, tenantId: 'platform' },
  ]);
});

it('gives what was done in the dashboard to the tenant of its payment', async () => {
  const base = { provider: 'stripe', status: 'confirmed', request: {}, requestHash: Buffer.alloc(32), name: 'charge' };
  await real.runtime.db.prisma.effect.create({
    data: {
      ...base,
      id: crypto.randomUUID(),
      operation: 'payment_intents.create',
      providerId: 'pi_2',
      tenantId: 'venue-2',
    },
  });
  const refund = {
    object: 'refund',
    id: 're_1',
    amount: 7,
    currency: 'eur',
    status: 'succeeded',
    payment_intent: 'pi_2',
  };
  const both = [eventOf('refund.created', refund), eventOf('refund.updated', refund)];
  await Promise.all(both.map((event) => deliver(event)));
  expect(await entriesOf('re_1')).toMatchObject([{ origin: 'provider', tenantId: 'venue-2', amount: 7n }]);
});

it('believes nothing without the right signature over these very bytes', async () => {
  const event = eventOf('charge.dispute.created', dispute('lost', { id: 'du_x' }));
  expect((await deliver(event, { secret: 'whsec_other' })).body.code).toBe('invalid_signature');
  expect((await deliver(event, { sent: `${JSON.stringify(event)} ` })).body.code).toBe('invalid_signature');
  const unsigned = await request(real.app).post('/api/v1/queue/providers/stripe/webhook').send(event);
  expect(unsigned.body.code).toBe('invalid_signature');
  expect(await entriesOf('du_x')).toEqual([]);
});

it('takes events of each endpoint at Stripe by its own secret', async () => {
  const event = () =>
    eventOf('payout.paid', { object: 'payout', id: 'po_1', amount: 1, currency: 'eur', status: 'paid' });
  expect((await deliver(event(), { secret: connectSecret })).status).toBe(200);
  expect((await deliver(event())).status).toBe(200);
  expect((await deliver(event(), { secret: 'whsec_of_somebody_else' })).status).toBe(400);
});

it('ignores signed bodies that are no events, whatever is in them', async () => {
  const intent = { object: 'payment_intent', id: 'pi_h', currency: 'eur', status: 'succeeded', amount: 1 };
  const hostile: object[] = [
    [],
    { id: 1 },
    { id: 'evt_h', type: 'x' },
    eventOf('payment_intent.succeeded', null as never),
    { ...eventOf('payment_intent.succeeded', intent), id: 'evt\0' },
    { ...eventOf('payment_intent.succeeded', intent), id: 'x'.repeat(100_000) },
    { ...eventOf('payment_intent.succeeded', intent), created: 1e30 },
    eventOf('charge.dispute.created', dispute('lost', { amount: 1e30 })),
    eventOf('charge.dispute.created', dispute('lost', { id: 'du\0' })),
    eventOf('charge.dispute.created', dispute('lost', { currency: '\ud800' })),
    eventOf('charge.dispute.created', dispute('lost', { payment_intent: { id: { id: 1 } }, metadata: [] })),
  ];
  for (const body of hostile) expect((await deliver(body)).status, JSON.stringify(body).slice(0, 200)).toBe(200);
  expect((await deliver({ id: 1 }, { sent: '' })).status).toBe(400);
});

it('reads nothing of whoever does not claim to be Stripe', async () => {
  const path = '/api/v1/queue/providers/stripe/webhook';
  const answer = await request(real.app).post(path).set('Content-Type', 'application/json').send('{"a":');
  expect(answer.body).toMatchObject({ status: 400, code: 'invalid_signature' });
});
