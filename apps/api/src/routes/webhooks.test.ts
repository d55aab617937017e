import { failWebhookDelivery, insertWebhookDeliveries, loadOutgoingDelivery } from '@queue-service/persistence';
import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { bearer } from '../testing/tokens.ts';

let real: RealApp;
beforeAll(async () => {
  real = await realApp();
});
afterAll(() => real.close());

type Who = Parameters<typeof bearer>[0];
const call = async (
  method: 'get' | 'post' | 'patch' | 'delete',
  path: string,
  body?: object,
  who: Who = 'venueAdmin',
) => {
  const asked = request(real.app)
    [method](`/api/v1/queue${path}`)
    .set('Authorization', await bearer(who));
  return body === undefined ? asked : asked.send(body);
};
/** A public address, so that no name has to resolve. */
const url = 'https://93.184.216.34/hook';
const create = async (more: object = {}) => (await call('post', '/webhooks', { url, ...more })).body.webhook;
/** What signs now, newest first. */
async function secretsOf(deliveryId: string) {
  const row = await loadOutgoingDelivery(real.runtime.db, deliveryId);
  return [row?.secret, row?.previousSecret].flatMap((sealed) =>
    sealed === null ? [] : [real.runtime.sealer.openValue(sealed)],
  );
}
const testOf = async (webhookId: string) => (await call('post', `/webhooks/${webhookId}/test`)).body.delivery;
const fail = (id: string) =>
  failWebhookDelivery(
    real.runtime.db,
    id,
    {
      at: new Date().toISOString(),
      durationMs: 3,
      statusCode: 500,
      error: { code: 'endpoint_failed', message: 'The endpoint answered 500' },
    },
    true,
  );

it('shows the secret of an endpoint once, and keeps it sealed', async () => {
  const made = await call('post', '/webhooks', { url, description: 'Shop', events: ['job.failed'] });
  expect(made.status).toBe(201);
  const { secret, ...webhook } = made.body.webhook;
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(webhook).toMatchObject({ tenantId: 'venue-1', active: true, events: ['job.failed'], failingSince: null });
  expect((await call('get', `/webhooks/${webhook.id}`)).body.webhook).toEqual(webhook);
  expect((await call('get', '/webhooks?limit=1')).body.webhooks).toEqual([webhook]);
  const row = await real.runtime.db.prisma.webhookEndpoint.findUniqueOrThrow({ where: { id: webhook.id } });
  const log = await call('get', `/audit-log?resourceId=${webhook.id}`, undefined, 'admin');
  expect(log.body.entries).toMatchObject([{ action: 'webhook.create', after: { url } }]);
  expect(JSON.stringify([row, log.body])).not.toContain(secret);
});

it('refuses addresses that tenants may not reach through us, when they are saved and when they are changed', async () => {
  for (const bad of ['http://93.184.216.34/', 'https://10.1.2.3/', 'https://169.254.169.254/', 'https://localhost/']) {
    const answer = await call('post', '/webhooks', { url: bad });
    expect(answer.body).toMatchObject({ code: 'validation_failed', errors: [{ path: 'url' }] });
  }
  const { id } = await create();
  expect((await call('patch', `/webhooks/${id}`, { url: 'https://[::1]/' })).status).toBe(400);
});

it('rotates a secret with an overlap, or without one', async () => {
  const webhook = await create();
  const { id: deliveryId } = await testOf(webhook.id);
  const rotated = (await call('post', `/webhooks/${webhook.id}/rotate-secret`, { overlapSeconds: 60 })).body.webhook;
  expect(await secretsOf(deliveryId)).toEqual([rotated.secret, webhook.secret]);
  expect(Date.parse(rotated.previousSecretUntil)).toBeGreaterThan(Date.now());
  const again = (await call('post', `/webhooks/${webhook.id}/rotate-secret`, { overlapSeconds: 0 })).body.webhook;
  expect(await secretsOf(deliveryId)).toEqual([again.secret]);
});

it('signs what goes to the webhookUrl of a job with a secret of the tenant', async () => {
  const first = (await call('post', '/webhooks/signing-secret/rotate', {})).body.signingSecret;
  expect(first).toMatchObject({ tenantId: 'venue-1', previousSecretUntil: null });
  const second = (await call('post', '/webhooks/signing-secret/rotate', {})).body.signingSecret;
  const event = { tenantId: 'venue-1', type: 'job.failed', subjectId: crypto.randomUUID(), body: {}, webhookUrl: url };
  const [owed] = (await insertWebhookDeliveries(real.runtime.db, [event])).filter(({ id, jobId }) => id === jobId);
  const rows = await real.runtime.db.prisma.webhookDelivery.findMany({
    where: { subjectId: event.subjectId, endpointId: null },
  });
  expect(owed).toBeDefined();
  expect(await secretsOf(rows[0]?.id ?? '')).toEqual([second.secret, first.secret]);
});

it('lists deliveries with each try, and replays one by a new job under the same id', async () => {
  const { id } = await create();
  const delivery = await testOf(id);
  expect(delivery).toMatchObject({ webhookId: id, eventType: 'webhook.test', status: 'pending', jobId: delivery.id });
  const { queue } = real.runtime.connections.of('communication');
  expect((await queue.getJob(delivery.id))?.data).toMatchObject({ payload: { deliveryId: delivery.id } });
  const replay = () => call('post', `/webhooks/deliveries/${delivery.id}/replay`);
  expect((await replay()).body.code).toBe('conflict');

  await fail(delivery.id);
  const [failed] = (await call('get', `/webhooks/${id}/deliveries?status=failed`)).body.deliveries;
  expect(failed).toMatchObject({
    ...{ id: delivery.id, status: 'failed', attempts: 1 },
    attemptLog: [{ statusCode: 500, error: { code: 'endpoint_failed' } }],
  });
  const replayed = await replay();
  expect(replayed.status).toBe(202);
  const { jobId } = replayed.body.delivery;
  expect(replayed.body.delivery).toMatchObject({ id: delivery.id, status: 'pending', attempts: 1 });
  expect(jobId).not.toBe(delivery.id);
  expect((await queue.getJob(jobId))?.data).toMatchObject({ payload: { deliveryId: delivery.id } });
});

it('starts afresh when an endpoint is switched on again', async () => {
  const { id } = await create();
  await fail((await testOf(id)).id);
  await real.runtime.db.prisma.webhookEndpoint.update({
    where: { id },
    data: { active: false, disabledReason: 'failing' },
  });
  expect((await call('post', `/webhooks/${id}/test`)).body.code).toBe('conflict');
  expect((await call('get', `/webhooks/${id}`)).body.webhook.failingSince).not.toBeNull();
  const { webhook } = (await call('patch', `/webhooks/${id}`, { active: true })).body;
  expect(webhook).toMatchObject({ active: true, disabledReason: null, failingSince: null });
});

it('hides the endpoints and deliveries of other tenants, and is nothing for producers', async () => {
  const answer = await request(real.app)
    .post('/api/v1/queue/webhooks')
    .set({ Authorization: await bearer('admin'), 'X-Tenant-Id': 'venue-2' })
    .send({ url });
  const { id } = answer.body.webhook;
  const { delivery } = (await call('post', `/webhooks/${id}/test`, undefined, 'admin')).body;
  await fail(delivery.id);
  for (const [method, path, body] of [
    ['get', `/webhooks/${id}`, undefined],
    ['get', `/webhooks/${id}/deliveries`, undefined],
    ['post', `/webhooks/${id}/test`, undefined],
    ['post', `/webhooks/${id}/rotate-secret`, {}],
    ['post', `/webhooks/deliveries/${delivery.id}/replay`, undefined],
    ['patch', `/webhooks/${id}`, { active: false }],
    ['delete', `/webhooks/${id}`, undefined],
  ] as const) {
    expect((await call(method, path, body)).status).toBe(404);
    expect((await call(method, path, body, 'service')).status).toBe(403);
  }
  expect((await call('delete', `/webhooks/${id}`, undefined, 'admin')).status).toBe(204);
  expect(await real.runtime.db.prisma.webhookDelivery.count({ where: { endpointId: id } })).toBe(0);
});
