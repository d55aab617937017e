import { Secret } from '@queue-service/observability';
import { createAddressPolicy } from '@queue-service/outbound';
import { Webhook } from 'standardwebhooks';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createGuardedAgent } from '../outbound/guarded-agent.ts';
import { deadUrl, type Script, scriptedServer } from '../testing/scripted-server.ts';
import { testJob } from '../testing/test-job.ts';
import type { Deliveries, Delivery, DeliveryAttempt, EndpointDisabledNotice } from '../webhooks/deliveries.ts';
import { createPoster } from '../webhooks/post.ts';
import { deliverWebhook } from './deliver-webhook.ts';

const deliveryId = '0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f';
const secret = `whsec_${Buffer.from('a secret of 24 bytes at least').toString('base64')}`;
const fiveDaysAgo = () => new Date(Date.now() - 5 * 86_400_000);

/** The books of one delivery, after the rules of the port. */
class Books implements Deliveries {
  readonly attempts: DeliveryAttempt[] = [];
  readonly notices: EndpointDisabledNotice[] = [];
  status: 'pending' | 'delivered' | 'failed' = 'pending';
  delivery: Delivery | null;

  constructor(delivery: Delivery | null) {
    this.delivery = delivery;
  }

  async load(id: string) {
    return this.delivery?.id === id ? this.delivery : null;
  }

  async succeed(_id: string, attempt: DeliveryAttempt) {
    this.attempts.push(attempt);
    this.status = 'delivered';
    if (this.delivery?.endpoint) this.delivery.endpoint.failingSince = null;
  }

  async fail(_id: string, attempt: DeliveryAttempt, final: boolean) {
    this.attempts.push(attempt);
    this.status = final ? 'failed' : 'pending';
    if (this.delivery?.endpoint) this.delivery.endpoint.failingSince ??= attempt.at;
  }

  async disableEndpoint(_id: string, _reason: string, notice: EndpointDisabledNotice) {
    this.notices.push(notice);
    if (this.delivery?.endpoint) this.delivery.endpoint.active = false;
  }
}

function books(url: string, changes: Partial<Delivery> = {}) {
  return new Books({
    id: deliveryId,
    tenantId: 'tenant-1',
    url,
    body: '{"type":"job.completed"}',
    secrets: [new Secret(secret)],
    endpoint: { id: 'e-1', active: true, failingSince: null },
    delivered: null,
    ...changes,
  });
}

function handlerWith(deliveries: Deliveries, options: { allowed?: string[]; timeoutMs?: number } = {}) {
  const dispatcher = createGuardedAgent({
    policy: createAddressPolicy(options.allowed ?? ['127.0.0.1']),
    connectTimeoutMs: 2_000,
  });
  onTestFinished(() => dispatcher.destroy());
  const post = createPoster({ dispatcher, allowHttp: true, timeoutMs: options.timeoutMs ?? 10_000 });
  return deliverWebhook({ deliveries, post });
}

const job = () => testJob({ maxAttempts: 9 });

async function answeredWith(script: Script, changes: Partial<Delivery> = {}, attempt = 1) {
  const server = await scriptedServer(script);
  const kept = books(server.url, changes);
  const error = await handlerWith(kept)({ deliveryId }, job().attempt(attempt)).catch((thrown: unknown) => thrown);
  return { kept, error, server };
}

describe('deliver-webhook', () => {
  test('delivers a signed event, and books the try', async () => {
    const server = await scriptedServer({ status: 204 });
    const kept = books(server.url, { endpoint: { id: 'e-1', active: true, failingSince: new Date() } });
    const result = await handlerWith(kept)({ deliveryId }, job().attempt());
    expect(result).toEqual({ statusCode: 204, durationMs: expect.any(Number) });
    const [received] = server.received;
    expect(received?.headers['webhook-id']).toBe(deliveryId);
    expect(new Webhook(secret).verify(received?.body ?? '', received?.headers as Record<string, string>)).toEqual({
      type: 'job.completed',
    });
    expect(kept).toMatchObject({ status: 'delivered', attempts: [{ statusCode: 204, error: null }] });
    expect(kept.delivery?.endpoint?.failingSince).toBeNull();
  });

  test('fails for now, and books why, when the endpoint fails', async () => {
    const { kept, error } = await answeredWith({ status: 503 });
    expect(error).toMatchObject({ name: 'RetryableError', code: 'endpoint_failed' });
    expect(kept).toMatchObject({
      status: 'pending',
      attempts: [{ statusCode: 503, error: { code: 'endpoint_failed' } }],
    });
    expect(kept.delivery?.endpoint?.failingSince).toEqual(kept.attempts[0]?.at);
  });

  test('recovers: the same delivery id, signed anew', async () => {
    const server = await scriptedServer({ status: 200 });
    server.next({ status: 500 });
    const kept = books(server.url);
    const handler = handlerWith(kept);
    await expect(handler({ deliveryId }, job().attempt(1))).rejects.toMatchObject({ name: 'RetryableError' });
    await expect(handler({ deliveryId }, job().attempt(2))).resolves.toMatchObject({ statusCode: 200 });
    expect(server.received.map(({ headers }) => headers['webhook-id'])).toEqual([deliveryId, deliveryId]);
    expect(kept).toMatchObject({ status: 'delivered', attempts: [{ statusCode: 500 }, { statusCode: 200 }] });
  });

  test('is over after the last try', async () => {
    const { kept } = await answeredWith({ status: 503 }, {}, 9);
    expect(kept.status).toBe('failed');
  });

  test('follows no redirect', async () => {
    const { error, server } = await answeredWith({ status: 302, headers: { location: 'http://169.254.169.254/' } });
    expect(error).toMatchObject({ name: 'RetryableError', code: 'endpoint_redirects' });
    expect(server.received).toHaveLength(1);
  });

  test('stops when the receiver asks for that, and leaves its endpoint on', async () => {
    const { kept, error } = await answeredWith({ status: 400, headers: { 'webhook-delivery': 'abort-message' } });
    expect(error).toMatchObject({ name: 'PermanentError', code: 'delivery_aborted' });
    expect(kept).toMatchObject({ status: 'failed', notices: [] });
  });

  test('switches an endpoint off that is gone, and says so', async () => {
    const { kept, error } = await answeredWith({ status: 410 });
    expect(error).toMatchObject({ name: 'PermanentError', code: 'endpoint_gone' });
    expect(kept.notices).toMatchObject([
      { type: 'webhook_endpoint.disabled', data: { endpointId: 'e-1', reason: 'gone' } },
    ]);
  });

  test('switches an endpoint off that has failed for five days', async () => {
    const { kept, error } = await answeredWith(
      { status: 503 },
      { endpoint: { id: 'e-1', active: true, failingSince: fiveDaysAgo() } },
    );
    expect(error).toMatchObject({ name: 'RetryableError' });
    expect(kept.notices).toMatchObject([{ data: { reason: 'failing' } }]);
  });

  test('keeps an endpoint that took something after five days of failure', async () => {
    const { kept } = await answeredWith(
      { status: 200 },
      { endpoint: { id: 'e-1', active: true, failingSince: fiveDaysAgo() } },
    );
    expect(kept.notices).toEqual([]);
  });

  test("a job's own address has no endpoint to switch off", async () => {
    const { kept, error } = await answeredWith({ status: 410 }, { endpoint: null });
    expect(error).toMatchObject({ code: 'endpoint_gone' });
    expect(kept).toMatchObject({ status: 'failed', notices: [] });
  });

  test('sends nothing to an endpoint that is switched off', async () => {
    const { kept, error, server } = await answeredWith(
      { status: 200 },
      { endpoint: { id: 'e-1', active: false, failingSince: null } },
    );
    expect(error).toMatchObject({ name: 'PermanentError', code: 'endpoint_disabled' });
    expect(kept.status).toBe('failed');
    expect(server.received).toEqual([]);
  });

  test('sends nothing to a private address', async () => {
    const server = await scriptedServer({ status: 200 });
    const kept = books(server.url);
    const handler = handlerWith(kept, { allowed: [] });
    await expect(handler({ deliveryId }, job().attempt())).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'address_refused',
    });
    expect(kept).toMatchObject({ status: 'failed', attempts: [{ statusCode: null }] });
    expect(server.received).toEqual([]);
  });

  test('sends nothing that is delivered already, and gives the result of then', async () => {
    const server = await scriptedServer({ status: 200 });
    const kept = books(server.url, { delivered: { statusCode: 201, durationMs: 7 } });
    expect(await handlerWith(kept)({ deliveryId }, job().attempt(2))).toEqual({ statusCode: 201, durationMs: 7 });
    expect(server.received).toEqual([]);
  });

  test('knows no delivery, tries nothing', async () => {
    await expect(handlerWith(new Books(null))({ deliveryId }, job().attempt())).rejects.toMatchObject({
      code: 'delivery_not_found',
    });
  });

  test.each([
    ['silence', async () => (await scriptedServer('hang')).url],
    ['a cut', async () => (await scriptedServer('reset')).url],
    ['nobody', deadUrl],
  ])('%s is tried again', async (_what, url) => {
    const kept = books(await url());
    const handler = handlerWith(kept, { timeoutMs: 150 });
    await expect(handler({ deliveryId }, job().attempt())).rejects.toMatchObject({
      name: 'RetryableError',
      code: 'endpoint_no_answer',
    });
    expect(kept).toMatchObject({ status: 'pending', attempts: [{ statusCode: null }] });
  });

  test('a cancel is not booked against the endpoint', async () => {
    const server = await scriptedServer('hang');
    const kept = books(server.url);
    const abort = new AbortController();
    const running = handlerWith(kept)({ deliveryId }, job().attempt(1, abort.signal));
    await expect.poll(() => server.received.length).toBe(1);
    abort.abort(new Error('cancelled'));
    await expect(running).rejects.toThrow('cancelled');
    expect(kept.attempts).toEqual([]);
  });
});
