import { JWT } from 'google-auth-library';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ServiceAccountKey } from './oauth.ts';
import { startFcm } from './start.ts';

let sandbox: Awaited<ReturnType<typeof startFcm>>;
let account: ServiceAccountKey;
beforeAll(async () => {
  sandbox = await startFcm();
  account = sandbox.createFcmServiceAccount('tickets');
});
afterAll(() => sandbox.stop());
beforeEach(() => sandbox.reset());

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const JOB = '0190a5b2-7c3d-7e4f-8a1b-2c3d4e5f6a7b';

/** google-auth-library asks Google's token endpoint only; an interceptor, which it offers, points it elsewhere. */
function auth(
  key: Pick<ServiceAccountKey, 'client_email' | 'private_key'> = account,
  options: ConstructorParameters<typeof JWT>[0] = {},
): JWT {
  const client = new JWT({ email: key.client_email, key: key.private_key, scopes: [SCOPE], ...options });
  client.transporter.interceptors.request.add({
    resolved: async (request) => {
      if (request.url.hostname === 'oauth2.googleapis.com') request.url = new URL(account.token_uri);
      return request;
    },
  });
  return client;
}

async function send(message: object, client = auth(), project = 'tickets') {
  const answer = await client.request<Record<string, never>>({
    url: `${sandbox.url}/v1/projects/${project}/messages:send`,
    method: 'POST',
    data: { message },
    validateStatus: () => true,
    retry: false,
  });
  return { status: answer.status, headers: answer.headers, body: answer.data };
}

const message = (fields = {}) => ({
  token: sandbox.createFcmToken(),
  notification: { title: 'Doors open', body: 'Gate 4' },
  ...fields,
});

describe('a message', () => {
  it('sent with a token of the service account is taken', async () => {
    const answer = await send(
      message({ data: { gate: '4' }, android: { ttl: '60s', notification: { tag: JOB.replaceAll('-', '') } } }),
    );
    expect(answer).toMatchObject({
      status: 200,
      body: { name: expect.stringMatching(/^projects\/tickets\/messages\//) },
    });
    expect(sandbox.messages()).toMatchObject([
      { message: { notification: { title: 'Doors open' }, data: { gate: '4' } } },
    ]);
    expect(sandbox.effects.list()).toMatchObject([{ kind: 'fcm_message', jobId: JOB }]);
  });

  it('is taken with a token that the account signed itself, too', async () => {
    const selfSigned = auth();
    selfSigned.useJWTAccessWithScope = true;
    expect((await send(message(), selfSigned)).status).toBe(200);
  });

  it('that is only to be validated is not sent', async () => {
    const { data } = await auth().request<{ name: string }>({
      url: `${sandbox.url}/v1/projects/tickets/messages:send`,
      method: 'POST',
      data: { validate_only: true, message: message() },
    });
    expect(data.name).toBe('projects/tickets/messages/fake_message_id');
    expect(sandbox.messages()).toEqual([]);
  });
});

describe('a refused message', () => {
  const errorCode = (code: string) => [
    { '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: code },
  ];

  it('to an app that is gone is UNREGISTERED', async () => {
    const token = sandbox.createFcmToken();
    sandbox.unregister(token);
    expect(await send(message({ token }))).toMatchObject({
      status: 404,
      body: { error: { code: 404, status: 'NOT_FOUND', details: errorCode('UNREGISTERED') } },
    });
  });

  it("to another project's app is SENDER_ID_MISMATCH", async () => {
    const token = sandbox.createFcmToken();
    sandbox.mismatch(token);
    expect(await send(message({ token }))).toMatchObject({
      status: 403,
      body: { error: { details: errorCode('SENDER_ID_MISMATCH') } },
    });
  });

  it.each([
    ['no target', { token: undefined }, 'message'],
    ['two targets', { topic: 'news' }, 'message'],
    ['a malformed token', { token: 'no' }, 'message.token'],
    ['data that is no text', { data: { n: 1 } }, 'message.data'],
    ['a reserved data key', { data: { from: 'me' } }, 'message.data'],
    ['a bad ttl', { android: { ttl: '60' } }, 'message.android.ttl'],
    ['an unknown field', { colour: 'red' }, 'message'],
    ['more than 4096 bytes', { data: { x: 'x'.repeat(4100) } }, 'message'],
  ])('with %s is INVALID_ARGUMENT', async (_what, fields, field) => {
    expect(await send(message(fields))).toMatchObject({
      status: 400,
      body: {
        error: {
          status: 'INVALID_ARGUMENT',
          details: [...errorCode('INVALID_ARGUMENT'), { fieldViolations: [{ field }] }],
        },
      },
    });
    expect(sandbox.messages()).toEqual([]);
  });

  it('above the quota is QUOTA_EXCEEDED with Retry-After, in an outage UNAVAILABLE', async () => {
    sandbox.faults.add({ match: { path: 'messages:send' }, do: { kind: 'status', status: 429 } });
    sandbox.faults.add({ match: { path: 'messages:send' }, do: { kind: 'status', status: 503 } });
    const limited = await send(message());
    expect(limited).toMatchObject({
      status: 429,
      body: { error: { status: 'RESOURCE_EXHAUSTED', details: errorCode('QUOTA_EXCEEDED') } },
    });
    expect(limited.headers.get('retry-after')).toBe('60');
    expect(await send(message())).toMatchObject({
      status: 503,
      body: { error: { details: errorCode('UNAVAILABLE') } },
    });
  });
});

describe('access', () => {
  it('is refused for another project, without a token, and after an hour', async () => {
    const client = auth();
    expect((await send(message(), client, 'other')).status).toBe(401);
    const bare = await fetch(`${sandbox.url}/v1/projects/tickets/messages:send`, { method: 'POST', body: '{}' });
    expect([bare.status, ((await bare.json()) as { error: { status: string } }).error.status]).toEqual([
      401,
      'UNAUTHENTICATED',
    ]);
    expect((await send(message(), client)).status).toBe(200);
    sandbox.clock.advance(3_600_000);
    const headers = Object.fromEntries(await client.getRequestHeaders());
    const late = await fetch(`${sandbox.url}/v1/projects/tickets/messages:send`, {
      method: 'POST',
      headers,
      body: '{}',
    });
    expect(late.status).toBe(401);
  });

  it('needs the account’s own key', async () => {
    const stranger = sandbox.createFcmServiceAccount('tickets');
    await expect(
      auth({ client_email: account.client_email, private_key: stranger.private_key }).getAccessToken(),
    ).rejects.toThrow('invalid_grant');
    await expect(
      auth({ client_email: 'nobody@example.com', private_key: stranger.private_key }).getAccessToken(),
    ).rejects.toThrow('account not found');
  });

  it('needs the right scope', async () => {
    await expect(auth(account, { scopes: ['https://www.googleapis.com/auth/drive'] }).getAccessToken()).rejects.toThrow(
      'invalid_scope',
    );
  });
});
