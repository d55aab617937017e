import { Agent } from 'node:https';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import webpush from 'web-push';
import { type LocalCertificate, makeLocalCertificate } from '../http/certificate.ts';
import { startWebPush } from './start.ts';

let sandbox: Awaited<ReturnType<typeof startWebPush>>;
let certificate: LocalCertificate;
beforeAll(async () => {
  certificate = await makeLocalCertificate();
  sandbox = await startWebPush({ certificate });
});
afterAll(() => sandbox.stop());
beforeEach(() => sandbox.reset());

const keys = webpush.generateVAPIDKeys();
const vapidDetails = { subject: 'mailto:ops@example.com', ...keys };
const JOB = '0190a5b2-7c3d-7e4f-8a1b-2c3d4e5f6a7b';

/** The SDK's own sender, which speaks HTTPS only. */
function send(
  payload: string | null,
  options: webpush.RequestOptions = {},
  subscription = sandbox.createPushSubscription({ secure: true }),
) {
  const agent = new Agent({ ca: certificate.certificate });
  return webpush.sendNotification(subscription, payload, { vapidDetails, TTL: 60, agent, ...options });
}

/** The SDK's request, sent by something else. */
async function post(
  change: (request: webpush.RequestDetails) => void,
  subscription = sandbox.createPushSubscription(),
) {
  const request = webpush.generateRequestDetails(subscription, 'hello', { vapidDetails, TTL: 60 });
  change(request);
  const headers = Object.entries(request.headers).filter(([name]) => name !== 'Content-Length');
  const answer = await fetch(request.endpoint, {
    method: 'POST',
    headers: headers as [string, string][],
    body: new Uint8Array(request.body),
  });
  return { status: answer.status, text: await answer.text() };
}

describe('a push message', () => {
  it('sent by the unmodified SDK is decrypted by the browser it was for', async () => {
    const payload = JSON.stringify({ title: 'Doors open', body: 'Gate 4', tag: JOB.replaceAll('-', '') });
    const answer = await send(payload, { urgency: 'high', topic: 'doors' });
    expect(answer).toMatchObject({
      statusCode: 201,
      headers: { ttl: '60', location: expect.stringContaining('/webpush/messages/') },
    });
    expect(sandbox.pushes()).toMatchObject([{ text: payload, ttlSeconds: 60, topic: 'doors', urgency: 'high' }]);
    expect(sandbox.effects.list()).toMatchObject([{ kind: 'web_push', jobId: JOB }]);
  });

  it('can go to a plain endpoint, and have no body', async () => {
    expect((await post(() => {})).status).toBe(201);
    await send(null);
    expect(sandbox.pushes().map((push) => push.text)).toEqual(['hello', null]);
  });

  it('takes the place of an earlier one with its topic', async () => {
    const subscription = sandbox.createPushSubscription({ secure: true });
    await send('1', { topic: 'gate' }, subscription);
    await send('2', { topic: 'other' }, subscription);
    await send('3', { topic: 'gate' }, subscription);
    expect(sandbox.pushes().map((push) => push.replaced)).toEqual([true, false, false]);
  });
});

describe('a refused push message', () => {
  it('to a subscription that expired is a 410, to an unknown one a 404', async () => {
    const subscription = sandbox.createPushSubscription({ secure: true });
    sandbox.expire(subscription.endpoint);
    await expect(send('x', {}, subscription)).rejects.toMatchObject({ statusCode: 410 });
    sandbox.forget(subscription.endpoint);
    await expect(send('x', {}, subscription)).rejects.toMatchObject({ statusCode: 404 });
  });

  it('above 4096 bytes is a 413, above the rate a 429 with Retry-After', async () => {
    await expect(send('x'.repeat(4100))).rejects.toMatchObject({ statusCode: 413 });
    sandbox.faults.add({ do: { kind: 'status', status: 429 } });
    await expect(send('x')).rejects.toMatchObject({ statusCode: 429, headers: { 'retry-after': '1' } });
  });

  it('with a key that the subscription was not made for is a 403', async () => {
    const mine = sandbox.createPushSubscription({ secure: true, applicationServerKey: keys.publicKey });
    expect((await send('x', {}, mine)).statusCode).toBe(201);
    const others = sandbox.createPushSubscription({
      secure: true,
      applicationServerKey: webpush.generateVAPIDKeys().publicKey,
    });
    await expect(send('x', {}, others)).rejects.toMatchObject({ statusCode: 403 });
  });

  it('without, or with a broken authorization is a 401', async () => {
    expect(await post((request) => delete request.headers['Authorization'])).toMatchObject({ status: 401 });
    const broken = await post((request) => {
      request.headers['Authorization'] = `${request.headers['Authorization']}`.replace(
        /t=([^.]+)/,
        't=eyJhbGciOiJub25lIn0',
      );
    });
    expect(broken.status).toBe(401);
    const elsewhere = webpush.getVapidHeaders(
      'https://push.example.com',
      vapidDetails.subject,
      keys.publicKey,
      keys.privateKey,
      'aes128gcm',
    );
    const aimed = await post((request) => Object.assign(request.headers, { Authorization: elsewhere.Authorization }));
    expect(aimed).toMatchObject({ status: 401, text: expect.stringContaining('"aud"') });
  });

  it('with bad headers, or for other keys, is a 400', async () => {
    expect(await post((request) => delete request.headers['TTL'])).toMatchObject({ status: 400 });
    expect(await post((request) => Object.assign(request.headers, { Topic: 'no spaces' }))).toMatchObject({
      status: 400,
    });
    expect(await post((request) => Object.assign(request.headers, { Urgency: 'now' }))).toMatchObject({ status: 400 });
    const { keys: otherKeys } = sandbox.createPushSubscription();
    const wrong = { ...sandbox.createPushSubscription({ secure: true }), keys: otherKeys };
    await expect(send('x', {}, wrong)).rejects.toMatchObject({ statusCode: 400 });
    expect(sandbox.pushes()).toEqual([]);
  });
});
