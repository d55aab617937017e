import { createAddressPolicy } from '@queue-service/outbound';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CircuitOptions, circuitsByOrigin, createCircuit } from '../circuit.ts';
import { createGuardedAgent } from '../outbound/guarded-agent.ts';
import { subscriptionKeys, vapid } from '../testing/push-keys.ts';
import { deadUrl, scriptedServer } from '../testing/scripted-server.ts';
import type { Push, WebPushTarget } from './push.ts';
import { createWebPushSender } from './web-push.ts';

const { signal } = new AbortController();

function sender(
  options: { allowed?: string[]; allowHttp?: boolean; timeoutMs?: number; circuit?: Partial<CircuitOptions> } = {},
) {
  const dispatcher = createGuardedAgent({
    policy: createAddressPolicy(options.allowed ?? ['127.0.0.1']),
    connectTimeoutMs: 2_000,
  });
  onTestFinished(() => dispatcher.destroy());
  return createWebPushSender({
    vapid: vapid(),
    dispatcher,
    circuitOf: circuitsByOrigin(() =>
      createCircuit({ provider: 'webpush', pauseOnRateLimit: false, random: () => 0, ...options.circuit }),
    ),
    timeoutMs: options.timeoutMs ?? 10_000,
    allowHttp: options.allowHttp ?? true,
  });
}

function pushTo(origin: string, changes: Partial<Push<WebPushTarget>> = {}): Push<WebPushTarget> {
  return {
    target: { kind: 'webpush', endpoint: `${origin}/push/subscription-1`, keys: subscriptionKeys() },
    title: 'Your ticket',
    body: 'is here',
    data: {},
    ttlSeconds: 3_600,
    collapseKey: null,
    tag: '0123456789abcdef0123456789abcdef',
    expiresAt: 1_800_000_000,
    ...changes,
  };
}

describe('Web Push', () => {
  test('sends an encrypted message with its lifetime and topic, signed by the VAPID key', async () => {
    const server = await scriptedServer({ status: 201, headers: { location: 'https://push.example.com/message/1' } });
    const receipt = await sender().send(pushTo(server.url), signal);
    expect(receipt).toEqual({ messageId: 'https://push.example.com/message/1' });
    const [received] = server.received;
    expect(received).toMatchObject({
      method: 'POST',
      path: '/push/subscription-1',
      headers: { ttl: '3600', topic: '0123456789abcdef0123456789abcdef', 'content-encoding': 'aes128gcm' },
    });
    expect(received?.headers.authorization).toMatch(/^vapid t=[\w.-]+, ?k=[\w-]+$/);
    expect(received?.body).not.toContain('ticket');
  });

  test("the producer's collapse key is the topic", async () => {
    const server = await scriptedServer({ status: 201 });
    await sender().send(pushTo(server.url, { collapseKey: 'order-1' }), signal);
    expect(server.received[0]?.headers.topic).toBe('order-1');
  });

  test.each([
    [404, 'PermanentError', 'target_gone'],
    [410, 'PermanentError', 'target_gone'],
    [400, 'PermanentError', 'invalid_request'],
    [413, 'PermanentError', 'payload_too_large'],
    [401, 'PermanentError', 'provider_authentication_failed'],
    [403, 'PermanentError', 'provider_authentication_failed'],
    [307, 'PermanentError', 'invalid_request'],
    [500, 'UnknownOutcomeError', 'provider_error'],
  ])('%i becomes %s %s', async (status, name, code) => {
    const server = await scriptedServer({ status, headers: { location: 'http://169.254.169.254/' } });
    await expect(sender().send(pushTo(server.url), signal)).rejects.toMatchObject({ name, code });
    expect(server.received).toHaveLength(1);
  });

  test('a rate limit is waited for as long as it says, and concerns this message only', async () => {
    const server = await scriptedServer({ status: 201 });
    server.next({ status: 429, headers: { 'retry-after': '20' } });
    const made = sender();
    await expect(made.send(pushTo(server.url), signal)).rejects.toMatchObject({
      name: 'RateLimitedError',
      retryAfterMs: 20_000,
    });
    await expect(made.send(pushTo(server.url), signal)).resolves.toEqual({ messageId: null });
  });

  test('an outage of one push service leaves the others alone', async () => {
    const made = sender({ circuit: { failures: 1 } });
    const down = await deadUrl();
    await expect(made.send(pushTo(down), signal)).rejects.toMatchObject({
      name: 'RetryableError',
      code: 'provider_unreachable',
    });
    await expect(made.send(pushTo(down), signal)).rejects.toMatchObject({ code: 'provider_unavailable' });
    const up = await scriptedServer({ status: 201 });
    await expect(made.send(pushTo(up.url), signal)).resolves.toEqual({ messageId: null });
  });

  test('silence leaves the outcome unknown', async () => {
    const server = await scriptedServer('hang');
    await expect(sender({ timeoutMs: 150 }).send(pushTo(server.url), signal)).rejects.toMatchObject({
      name: 'UnknownOutcomeError',
    });
  });

  test('an endpoint at a private address is refused', async () => {
    const server = await scriptedServer({ status: 201 });
    await expect(sender({ allowed: [] }).send(pushTo(server.url), signal)).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'invalid_request',
      message: 'target.endpoint: is not at a public address',
    });
    expect(server.received).toEqual([]);
  });

  test('an endpoint without TLS is refused', async () => {
    const server = await scriptedServer({ status: 201 });
    await expect(sender({ allowHttp: false }).send(pushTo(server.url), signal)).rejects.toMatchObject({
      code: 'invalid_request',
    });
    expect(server.received).toEqual([]);
  });

  test('keys that are no keys are refused, and not quoted', async () => {
    const target: WebPushTarget = {
      kind: 'webpush',
      endpoint: 'https://push.example.com/1',
      keys: { p256dh: 'not-a-key', auth: 'nor-this' },
    };
    const error = (await sender()
      .send(pushTo('', { target }), signal)
      .catch((thrown: Error) => thrown)) as Error;
    expect(error).toMatchObject({ name: 'PermanentError', code: 'invalid_request' });
    expect(error.message).not.toContain('not-a-key');
  });
});
