import { contracts, type JobInput } from '@queue-service/contracts';
import { createAddressPolicy } from '@queue-service/outbound';
import { startFcm, startWebPush } from '@queue-service/sandbox';
import { describe, expect, onTestFinished, test } from 'vitest';
import { circuitsByOrigin, createCircuit } from '../circuit.ts';
import { createGuardedAgent } from '../outbound/guarded-agent.ts';
import { createFcmSender } from '../push/fcm.ts';
import { createWebPushSender } from '../push/web-push.ts';
import { memorySuppressions } from '../testing/memory-suppressions.ts';
import { moveClock } from '../testing/move-clock.ts';
import { vapid } from '../testing/push-keys.ts';
import { testJob } from '../testing/test-job.ts';
import { sendPush } from './send-push.ts';

const payloadOf = (input: JobInput<'send-push'>) => contracts['send-push'].payload.parse(input);

async function setup() {
  const [browsers, fcm] = await Promise.all([startWebPush(), startFcm()]);
  const dispatcher = createGuardedAgent({ policy: createAddressPolicy(['127.0.0.1']), connectTimeoutMs: 10_000 });
  onTestFinished(async () => {
    await dispatcher.destroy();
    await Promise.all([browsers.stop(), fcm.stop()]);
  });
  const keys = vapid();
  const circuit = (provider: 'webpush' | 'fcm') =>
    createCircuit({ provider, failures: 2, openMs: 30_000, pauseOnRateLimit: false, random: () => 0 });
  const webPush = createWebPushSender({
    vapid: keys,
    dispatcher,
    circuitOf: circuitsByOrigin(() => circuit('webpush')),
    timeoutMs: 10_000,
    allowHttp: true,
  });
  const fcmSender = createFcmSender({
    account: fcm.createFcmServiceAccount(),
    baseUrl: fcm.url,
    timeoutMs: 10_000,
    circuit: circuit('fcm'),
  });
  const suppressions = memorySuppressions();
  const handler = sendPush({ webPush, fcm: fcmSender, suppressions: suppressions.suppressions });
  const subscribe = (applicationServerKey = keys.publicKey) => {
    const { endpoint, keys } = browsers.createPushSubscription({ applicationServerKey });
    return { kind: 'webpush' as const, endpoint, keys };
  };
  return { browsers, fcm, handler, suppressions, subscribe };
}

const text = { title: 'Your ticket', body: 'is here' };

describe('send-push against the sandbox', () => {
  test('a browser can read the message', async () => {
    const { browsers, handler, subscribe } = await setup();
    const job = testJob();
    await handler(
      payloadOf({ ...text, target: subscribe(), data: { ticketId: 't-1' }, ttlSeconds: 60 }),
      job.attempt(),
    );
    const [push] = browsers.pushes();
    const tag = job.jobId.replaceAll('-', '');
    expect(JSON.parse(push?.text ?? '')).toEqual({ ...text, data: { ticketId: 't-1' }, tag });
    expect(push).toMatchObject({ ttlSeconds: 60, topic: tag });
    expect(browsers.effects.count({ jobId: job.jobId })).toBe(1);
  });

  test('a phone gets the message', async () => {
    const { fcm, handler } = await setup();
    const job = testJob();
    const token = fcm.createFcmToken();
    const result = await handler(payloadOf({ ...text, target: { kind: 'fcm', token } }), job.attempt());
    expect(fcm.messages()).toMatchObject([{ message: { token, notification: text } }]);
    expect(result).toMatchObject({ messageId: fcm.messages()[0]?.name, channel: 'fcm' });
    expect(fcm.effects.count({ jobId: job.jobId })).toBe(1);
  });

  test('targets that are gone are reported', async () => {
    const { browsers, fcm, handler, suppressions, subscribe } = await setup();
    const [expired, forgotten, token] = [subscribe(), subscribe(), fcm.createFcmToken()];
    browsers.expire(expired.endpoint);
    browsers.forget(forgotten.endpoint);
    fcm.unregister(token);
    for (const target of [expired, forgotten, { kind: 'fcm' as const, token }]) {
      await expect(handler(payloadOf({ ...text, target }), testJob().attempt())).rejects.toMatchObject({
        code: 'target_gone',
      });
    }
    expect(suppressions.added.map(([, , { address }]) => address)).toEqual([
      expired.endpoint,
      forgotten.endpoint,
      token,
    ]);
  });

  test("a subscription of another site's key, and a token of another project, are refused", async () => {
    const { fcm, handler, subscribe } = await setup();
    const token = fcm.createFcmToken();
    fcm.mismatch(token);
    const foreign = payloadOf({ ...text, target: subscribe(vapid().publicKey) });
    await expect(handler(foreign, testJob().attempt())).rejects.toMatchObject({
      code: 'provider_authentication_failed',
    });
    const mismatched = payloadOf({ ...text, target: { kind: 'fcm', token } });
    await expect(handler(mismatched, testJob().attempt())).rejects.toMatchObject({ code: 'invalid_request' });
  });

  test('a message that is too large is refused by both', async () => {
    const { fcm, handler, subscribe } = await setup();
    const data = Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`key${index}`, 'x'.repeat(1_000)]));
    for (const target of [subscribe(), { kind: 'fcm' as const, token: fcm.createFcmToken() }]) {
      await expect(handler(payloadOf({ ...text, target, data }), testJob().attempt())).rejects.toMatchObject({
        code: 'payload_too_large',
      });
    }
  });

  test('a repeat after a lost answer takes the place of the first message', async () => {
    const { browsers, handler, subscribe } = await setup();
    browsers.faults.add({ do: { kind: 'reset-after-work' } });
    const job = testJob();
    const payload = payloadOf({ ...text, target: subscribe() });
    await expect(handler(payload, job.attempt(1))).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
    await handler(payload, job.attempt(2));
    expect(browsers.pushes().map(({ replaced }) => replaced)).toEqual([true, false]);
  });

  test('access tokens that were revoked are replaced', async () => {
    const { fcm, handler } = await setup();
    const payload = payloadOf({ ...text, target: { kind: 'fcm', token: fcm.createFcmToken() } });
    await handler(payload, testJob().attempt());
    fcm.oauth.revokeAll();
    await handler(payload, testJob().attempt());
    expect(fcm.messages()).toHaveLength(2);
  });

  test('through an outage: messages fail, then wait, then go out', async () => {
    const { fcm, handler } = await setup();
    const outage = fcm.faults.add({
      match: { path: 'messages:send' },
      do: { kind: 'status', status: 503 },
      times: 'always',
    });
    const payload = payloadOf({ ...text, target: { kind: 'fcm', token: fcm.createFcmToken() } });
    const jobs = [testJob(), testJob(), testJob()];
    const codes: unknown[] = [];
    for (const job of jobs) {
      await handler(payload, job.attempt(1)).catch((error: { code: string }) => codes.push(error.code));
    }
    expect(codes).toEqual(['provider_error', 'provider_error', 'provider_unavailable']);
    fcm.faults.remove(outage);
    moveClock(30_000);
    for (const job of jobs) await handler(payload, job.attempt(2));
    expect(fcm.messages()).toHaveLength(3);
  });
});
