import { randomBytes } from 'node:crypto';
import { createSealer, openDatabase } from '@queue-service/persistence';
import { useDatabase } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeliveryAttempt } from '../webhooks/deliveries.ts';
import { endpointDisabledNotice } from '../webhooks/endpoint-health.ts';
import { databaseDeliveries } from './deliveries.ts';

const sealer = createSealer([{ id: 'k1', key: randomBytes(32) }]);
let db: ReturnType<typeof openDatabase>;
beforeAll(async () => {
  db = openDatabase({ url: (await useDatabase()).url });
});
afterAll(() => db.close());

const hourMs = 3_600_000;
const at = new Date('2027-01-02T03:04:05.000Z');
const later = new Date(at.getTime() + hourMs);
const failure: DeliveryAttempt = {
  at,
  durationMs: 12,
  statusCode: 503,
  error: { code: 'endpoint_failed', message: 'The endpoint answered 503' },
};
const success: DeliveryAttempt = { at: later, durationMs: 34, statusCode: 204, error: null };

/** An endpoint of a tenant of its own, with one delivery. */
async function stored(options: { previousUntil?: Date; endpoint?: boolean } = {}) {
  const tenantId = crypto.randomUUID();
  const endpointId = options.endpoint === false ? null : crypto.randomUUID();
  const id = crypto.randomUUID();
  if (endpointId !== null) {
    await db.prisma.webhookEndpoint.create({
      data: {
        id: endpointId,
        tenantId,
        url: 'https://now.example.com/',
        events: [],
        secret: sealer.sealValue('whsec_bmV3') as object,
        previousSecret: sealer.sealValue('whsec_b2xk') as object,
        previousUntil: options.previousUntil ?? null,
      },
    });
  }
  await db.prisma.webhookDelivery.create({
    data: {
      id,
      endpointId,
      tenantId,
      url: 'https://then.example.com/',
      eventType: 'job.completed',
      subjectId: crypto.randomUUID(),
      body: { type: 'job.completed', data: { b: 1, a: 2 } },
    },
  });
  const row = () => db.prisma.webhookDelivery.findUniqueOrThrow({ where: { id } });
  const endpoint = () => db.prisma.webhookEndpoint.findUniqueOrThrow({ where: { id: endpointId ?? '' } });
  return { id, tenantId, endpointId: endpointId ?? '', row, endpoint };
}

describe('deliveries in PostgreSQL', () => {
  test('are loaded with what is to be sent, the same text each time, where the endpoint is now', async () => {
    const { id, tenantId, endpointId } = await stored();
    const deliveries = databaseDeliveries(db, sealer);
    const delivery = await deliveries.load(id);
    expect(delivery).toMatchObject({
      id,
      tenantId,
      url: 'https://now.example.com/',
      endpoint: { id: endpointId, active: true, failingSince: null },
      delivered: null,
    });
    expect(JSON.parse(delivery?.body ?? '')).toEqual({ type: 'job.completed', data: { b: 1, a: 2 } });
    expect((await deliveries.load(id))?.body).toBe(delivery?.body);
    expect(await deliveries.load(crypto.randomUUID())).toBeNull();
  });

  test('are signed with the new secret, and with the old one until it expires', async () => {
    const secretsOf = async (previousUntil: Date) => {
      const { id } = await stored({ previousUntil });
      return (await databaseDeliveries(db, sealer).load(id))?.secrets.map((secret) => secret.reveal());
    };
    expect(await secretsOf(new Date(Date.now() + hourMs))).toEqual(['whsec_bmV3', 'whsec_b2xk']);
    expect(await secretsOf(new Date(Date.now() - hourMs))).toEqual(['whsec_bmV3']);
  });

  test("to a job's own address are signed with the secret of the tenant, made when it is needed", async () => {
    const { id } = await stored({ endpoint: false });
    const delivery = await databaseDeliveries(db, sealer).load(id);
    const again = await databaseDeliveries(db, sealer).load(id);
    expect(delivery?.secrets.map((secret) => secret.reveal())).toEqual([expect.stringMatching(/^whsec_/)]);
    expect(again?.secrets.map((secret) => secret.reveal())).toEqual(delivery?.secrets.map((secret) => secret.reveal()));
    expect(delivery).toMatchObject({ url: 'https://then.example.com/', endpoint: null });
  });

  test('keep every try; the endpoint fails since the first of them', async () => {
    const { id, row, endpoint } = await stored();
    const deliveries = databaseDeliveries(db, sealer);
    await deliveries.fail(id, failure, false);
    expect(await row()).toMatchObject({ status: 'pending', attempts: 1 });
    await deliveries.fail(id, { ...failure, at: later }, true);
    expect(await row()).toMatchObject({
      status: 'failed',
      attempts: 2,
      attemptLog: [
        { at: '2027-01-02T03:04:05.000Z', durationMs: 12, statusCode: 503, error: failure.error },
        { at: '2027-01-02T04:04:05.000Z' },
      ],
    });
    expect((await endpoint()).failingSince).toEqual(at);
  });

  test('once they have arrived, are over, and their endpoint is well', async () => {
    const { id, row, endpoint } = await stored();
    const deliveries = databaseDeliveries(db, sealer);
    await deliveries.fail(id, failure, false);
    await deliveries.succeed(id, success);
    expect(await row()).toMatchObject({ status: 'delivered', attempts: 2, deliveredAt: later });
    expect((await endpoint()).failingSince).toBeNull();
    expect((await deliveries.load(id))?.delivered).toEqual({ statusCode: 204, durationMs: 34 });
  });

  test('an endpoint is switched off once, and the others of its tenant hear of it', async () => {
    const { tenantId, endpointId, endpoint } = await stored();
    const other = crypto.randomUUID();
    await db.prisma.webhookEndpoint.create({
      data: {
        id: other,
        tenantId,
        url: 'https://other.example.com/',
        events: [],
        secret: sealer.sealValue('whsec_b3RoZXI=') as object,
      },
    });
    const deliveries = databaseDeliveries(db, sealer);
    const notice = endpointDisabledNotice(
      { id: endpointId, url: 'https://now.example.com/', failingSince: at },
      'failing',
      later,
    );
    await deliveries.disableEndpoint(endpointId, 'failing', notice);
    await deliveries.disableEndpoint(endpointId, 'failing', notice);
    expect(await endpoint()).toMatchObject({ active: false, disabledReason: 'failing' });
    const incidents = await db.prisma.incident.findMany({ where: { key: `webhook_endpoint_disabled:${endpointId}` } });
    expect(incidents).toMatchObject([{ kind: 'webhook_endpoint_disabled', closedAt: null }]);
    const audit = await db.prisma.auditLog.findMany({ where: { resourceId: endpointId } });
    expect(audit).toMatchObject([{ action: 'webhook.disable', tenantId, after: { disabledReason: 'failing' } }]);
    const notices = await db.prisma.webhookDelivery.findMany({ where: { tenantId, eventType: notice.type } });
    expect(notices).toMatchObject([
      { endpointId: other, body: { data: { endpointId, reason: 'failing' } }, dispatchedAt: null },
    ]);
  });
});
