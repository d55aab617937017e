import { describe, expect, test } from 'vitest';
import { type CircuitOptions, createCircuit } from '../circuit.ts';
import { moveClock } from '../testing/move-clock.ts';
import { serviceAccount } from '../testing/push-keys.ts';
import { deadUrl, type Received, type Script, scriptedServer } from '../testing/scripted-server.ts';
import { createFcmSender } from './fcm.ts';
import type { FcmTarget, Push } from './push.ts';

const { signal } = new AbortController();
const push: Push<FcmTarget> = {
  target: { kind: 'fcm', token: 'device-token' },
  title: 'Your ticket',
  body: 'is here',
  data: { ticketId: 't-1' },
  ttlSeconds: 3_600,
  collapseKey: null,
  tag: 'job1',
  expiresAt: 1_800_000_000,
};

/** Google's token endpoint and FCM on one server; `script` answers for FCM. */
function google(script: Script = { status: 200, body: { name: 'projects/tickets/messages/0:1' } }) {
  let tokens = 0;
  return scriptedServer(({ path }) => {
    if (path !== '/token') return script;
    tokens += 1;
    return { status: 200, body: { access_token: `token-${tokens}`, expires_in: 3_600, token_type: 'Bearer' } };
  });
}

function sender(
  url: string,
  options: { tokenUrl?: string; timeoutMs?: number; circuit?: Partial<CircuitOptions> } = {},
) {
  return createFcmSender({
    account: serviceAccount(options.tokenUrl ?? `${url}/token`),
    baseUrl: url,
    timeoutMs: options.timeoutMs ?? 10_000,
    circuit: createCircuit({ provider: 'fcm', pauseOnRateLimit: false, random: () => 0, ...options.circuit }),
  });
}

const refusal = (status: number, errorCode: string, message = 'no') => ({
  status,
  body: {
    error: {
      code: status,
      status: errorCode,
      message,
      details: [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode }],
    },
  },
});
const sent = (received: Received[]) => received.filter(({ path }) => path !== '/token');

describe('FCM', () => {
  test('sends a message under an access token of the service account', async () => {
    const server = await google();
    expect(await sender(server.url).send(push, signal)).toEqual({ messageId: 'projects/tickets/messages/0:1' });

    const [token, message] = server.received;
    const assertion = new URLSearchParams(token?.body).get('assertion')?.split('.')[1] ?? '';
    expect(JSON.parse(Buffer.from(assertion, 'base64url').toString())).toMatchObject({
      iss: 'push@tickets.iam.gserviceaccount.com',
      scope: 'https://www.googleapis.com/auth/firebase.messaging',
      aud: `${server.url}/token`,
    });
    expect(message).toMatchObject({
      method: 'POST',
      path: '/v1/projects/tickets/messages:send',
      headers: { authorization: 'Bearer token-1' },
    });
    expect(JSON.parse(message?.body ?? '')).toEqual({
      message: {
        token: 'device-token',
        notification: { title: 'Your ticket', body: 'is here' },
        data: { ticketId: 't-1' },
        android: { ttl: '3600s', notification: { tag: 'job1' } },
        apns: { headers: { 'apns-expiration': '1800000000', 'apns-collapse-id': 'job1' } },
        webpush: { headers: { TTL: '3600', Topic: 'job1' } },
      },
    });
  });

  test('uses one access token for many messages', async () => {
    const server = await google();
    const made = sender(server.url);
    await made.send(push, signal);
    await made.send({ ...push, collapseKey: 'order-1' }, signal);
    expect(server.received.filter(({ path }) => path === '/token')).toHaveLength(1);
    expect(JSON.parse(sent(server.received)[1]?.body ?? '').message.android).toMatchObject({ collapse_key: 'order-1' });
  });

  test.each([
    [refusal(404, 'UNREGISTERED'), 'PermanentError', 'target_gone'],
    [refusal(400, 'INVALID_ARGUMENT'), 'PermanentError', 'invalid_request'],
    [refusal(400, 'INVALID_ARGUMENT', 'Android message is too big'), 'PermanentError', 'payload_too_large'],
    [refusal(403, 'SENDER_ID_MISMATCH'), 'PermanentError', 'invalid_request'],
    [refusal(401, 'THIRD_PARTY_AUTH_ERROR'), 'PermanentError', 'provider_authentication_failed'],
    [
      { status: 403, body: { error: { code: 403, status: 'PERMISSION_DENIED' } } },
      'PermanentError',
      'provider_authentication_failed',
    ],
    [{ status: 413 }, 'PermanentError', 'payload_too_large'],
    [refusal(500, 'INTERNAL'), 'UnknownOutcomeError', 'provider_error'],
    [refusal(503, 'UNAVAILABLE'), 'UnknownOutcomeError', 'provider_error'],
  ])('%j becomes %s %s', async (script, name, code) => {
    const server = await google(script);
    await expect(sender(server.url).send(push, signal)).rejects.toMatchObject({ name, code });
  });

  test('a rate limit is waited for as long as it says, a minute where it says nothing', async () => {
    const server = await google();
    const made = sender(server.url);
    await made.send(push, signal);
    server.next(
      { ...refusal(429, 'QUOTA_EXCEEDED'), headers: { 'retry-after': '15' } },
      refusal(429, 'QUOTA_EXCEEDED'),
    );
    await expect(made.send(push, signal)).rejects.toMatchObject({ name: 'RateLimitedError', retryAfterMs: 15_000 });
    await expect(made.send(push, signal)).rejects.toMatchObject({ name: 'RateLimitedError', retryAfterMs: 60_000 });
  });

  test('an access token that is refused is replaced, once', async () => {
    const server = await google();
    const made = sender(server.url);
    await made.send(push, signal);
    server.next({ status: 401, body: { error: { code: 401, status: 'UNAUTHENTICATED' } } });
    await expect(made.send(push, signal)).resolves.toEqual({ messageId: 'projects/tickets/messages/0:1' });
    expect(sent(server.received).map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-1',
      'Bearer token-2',
    ]);
  });

  test('a service account that Google refuses is permanent', async () => {
    const server = await scriptedServer({
      status: 400,
      body: { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' },
    });
    await expect(sender(server.url).send(push, signal)).rejects.toMatchObject({
      code: 'provider_authentication_failed',
    });
  });

  test('no access token now means that nothing was sent', async () => {
    const server = await google();
    const made = sender(server.url, { tokenUrl: `${await deadUrl()}/token` });
    await expect(made.send(push, signal)).rejects.toMatchObject({
      name: 'RetryableError',
      code: 'provider_unreachable',
    });
    expect(server.received).toEqual([]);
  });

  test.each(['hang', 'reset'] as const)('a %s leaves the outcome unknown', async (fault) => {
    const server = await google(fault);
    await expect(sender(server.url, { timeoutMs: 1_500 }).send(push, signal)).rejects.toMatchObject({
      name: 'UnknownOutcomeError',
    });
  });

  test('an outage opens the circuit, and its end closes it', async () => {
    const server = await google();
    const made = sender(server.url, { circuit: { failures: 2, openMs: 30_000 } });
    await made.send(push, signal);
    server.next({ status: 503 }, { status: 503 });
    for (let failure = 0; failure < 2; failure += 1) await made.send(push, signal).catch(() => undefined);
    await expect(made.send(push, signal)).rejects.toMatchObject({
      name: 'RateLimitedError',
      code: 'provider_unavailable',
    });
    moveClock(30_000);
    await expect(made.send(push, signal)).resolves.toEqual({ messageId: 'projects/tickets/messages/0:1' });
  });
});
