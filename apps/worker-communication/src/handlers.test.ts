import { contracts } from '@queue-service/contracts';
import { type Sandbox, startSandbox } from '@queue-service/sandbox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { createCommunicationHandlers } from './handlers.ts';
import { memorySuppressions } from './testing/memory-suppressions.ts';
import { vapid } from './testing/push-keys.ts';
import { testJob } from './testing/test-job.ts';
import type { DeliveryAttempt } from './webhooks/deliveries.ts';

let sandbox: Sandbox;
let parts: ReturnType<typeof createCommunicationHandlers>;
const keys = vapid();
const delivered: DeliveryAttempt[] = [];
const deliveryId = crypto.randomUUID();

/** As the process is configured when everything is on one sandbox. */
beforeAll(async () => {
  sandbox = await startSandbox();
  const config = readConfig({
    DATABASE_URL: 'postgres://localhost/not-used-here',
    REDIS_URL: 'redis://localhost',
    SENDGRID_API_KEY: 'SG.sandbox',
    SENDGRID_BASE_URL: sandbox.url,
    SENDGRID_FROM: 'Tickets <tickets@example.com>',
    TWILIO_ACCOUNT_SID: sandbox.twilio.accountSid,
    TWILIO_AUTH_TOKEN: sandbox.twilio.authToken,
    TWILIO_FROM: '+15005550006',
    TWILIO_BASE_URL: sandbox.url,
    VAPID_PUBLIC_KEY: keys.publicKey,
    VAPID_PRIVATE_KEY: keys.privateKey.reveal(),
    VAPID_SUBJECT: keys.subject,
    FCM_SERVICE_ACCOUNT: JSON.stringify(sandbox.fcm.createFcmServiceAccount()),
    FCM_BASE_URL: sandbox.url,
    WEBHOOK_ALLOW_ADDRESSES: '127.0.0.1',
    WEBHOOK_ALLOW_HTTP: 'true',
  });
  parts = createCommunicationHandlers(config, {
    suppressions: memorySuppressions().suppressions,
    deliveries: {
      load: async (id) => ({
        id,
        tenantId: 'tenant-1',
        url: `${sandbox.url}/_sandbox/clock`,
        body: '{"advanceMs":0}',
        secrets: [],
        endpoint: null,
        delivered: null,
      }),
      succeed: async (_id, attempt) => void delivered.push(attempt),
      fail: async (_id, attempt) => void delivered.push(attempt),
      disableEndpoint: async () => undefined,
    },
  });
});

afterAll(async () => {
  await parts.close();
  await sandbox.stop();
});

describe('the handlers as the process builds them', () => {
  test('send-email reaches SendGrid', async () => {
    const payload = contracts['send-email'].payload.parse({ to: 'ada@example.com', subject: 'Hi', text: 'there' });
    await parts.handlers['send-email'](payload, testJob().attempt());
    expect(sandbox.sendgrid.mails()).toMatchObject([{ to: ['ada@example.com'], subject: 'Hi' }]);
  });

  test('send-sms reaches Twilio', async () => {
    const payload = contracts['send-sms'].payload.parse({ to: '+41791234567', body: 'Hi' });
    await parts.handlers['send-sms'](payload, testJob().attempt());
    expect(sandbox.twilio.messages()).toMatchObject([{ message: { to: '+41791234567' } }]);
  });

  test('send-push reaches browsers and phones', async () => {
    const { endpoint, keys: subscription } = sandbox.webpush.createPushSubscription({
      applicationServerKey: keys.publicKey,
    });
    const targets = [
      { kind: 'webpush', endpoint, keys: subscription },
      { kind: 'fcm', token: sandbox.fcm.createFcmToken() },
    ];
    for (const target of targets) {
      const payload = contracts['send-push'].payload.parse({ target, title: 'Hi', body: 'there' });
      await parts.handlers['send-push'](payload, testJob().attempt());
    }
    expect([sandbox.webpush.pushes().length, sandbox.fcm.messages().length]).toEqual([1, 1]);
  });

  test('deliver-webhook reaches an endpoint', async () => {
    await parts.handlers['deliver-webhook']({ deliveryId }, testJob().attempt());
    expect(delivered).toMatchObject([{ statusCode: 200, error: null }]);
  });
});
