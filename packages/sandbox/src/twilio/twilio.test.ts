import twilio from 'twilio';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAlerts } from '../alerts/start.ts';
import { startTwilio } from './start.ts';

let sandbox: Awaited<ReturnType<typeof startTwilio>>;
let receiver: Awaited<ReturnType<typeof startAlerts>>;
beforeAll(async () => {
  sandbox = await startTwilio();
  receiver = await startAlerts();
});
afterAll(async () => {
  await sandbox.stop();
  await receiver.stop();
});
beforeEach(() => {
  sandbox.reset();
  sandbox.autoDeliver = false;
  receiver.reset();
});

/** The SDK has no base URL option, but an HTTP client of one's own. */
class LocalClient extends twilio.RequestClient {
  override request<Data>(options: Parameters<typeof twilio.RequestClient.prototype.request<Data>>[0]) {
    return super.request<Data>({ ...options, uri: options.uri.replace('https://api.twilio.com', sandbox.url) });
  }
}

function client(token = sandbox.authToken) {
  return twilio(sandbox.accountSid, token, { httpClient: new LocalClient() });
}

const sms = (fields = {}) => ({ to: '+4915112345678', from: '+15005550006', body: 'Doors open at 7', ...fields });
const SERVICE = `MG${'a'.repeat(32)}`;

describe('a text message', () => {
  it('is queued, with its segments, and can be read back', async () => {
    const message = await client().messages.create(sms());
    expect(message).toMatchObject({
      accountSid: sandbox.accountSid,
      body: 'Doors open at 7',
      status: 'queued',
      numSegments: '1',
      direction: 'outbound-api',
      errorCode: null,
      to: '+4915112345678',
      from: '+15005550006',
    });
    expect(message.sid).toMatch(/^SM[0-9a-f]{32}$/);
    expect(Math.abs(message.dateCreated.getTime() - Date.now())).toBeLessThan(60_000);
    expect(await client().messages(message.sid).fetch()).toMatchObject({ sid: message.sid, status: 'queued' });
    expect(sandbox.effects.counts()).toEqual({ sms: 1 });
  });

  it('by a messaging service is accepted, and gets its segments when it is sent', async () => {
    const message = await client().messages.create({
      to: '+4915112345678',
      messagingServiceSid: SERVICE,
      body: 'x'.repeat(200),
    });
    expect(message).toMatchObject({ status: 'accepted', messagingServiceSid: SERVICE, from: null, numSegments: '0' });
    sandbox.report(message.sid, 'sent');
    expect(await client().messages(message.sid).fetch()).toMatchObject({ status: 'sent', numSegments: '2' });
  });

  it.each([
    ['160 GSM characters', 'a'.repeat(160), '1'],
    ['161 GSM characters', 'a'.repeat(161), '2'],
    ['80 euro signs, which count twice', '€'.repeat(80), '1'],
    ['81 euro signs', '€'.repeat(81), '2'],
    ['70 characters outside GSM', 'ж'.repeat(70), '1'],
    ['71 characters outside GSM', 'ж'.repeat(71), '2'],
  ])('of %s', async (_what, body, segments) => {
    expect((await client().messages.create(sms({ body }))).numSegments).toBe(segments);
  });
});

describe('a refused message', () => {
  it.each([
    ['a number that is none', { to: '12345' }, 21211],
    ["Twilio's invalid test number", { to: '+15005550001' }, 21211],
    ["Twilio's blocked test number", { to: '+15005550004' }, 21610],
    ["Twilio's landline test number", { to: '+15005550009' }, 21614],
    ['no sender', { from: undefined }, 21603],
    ['a bad sender', { from: '!' }, 21212],
    ['no body', { body: '' }, 21602],
    ['1601 characters', { body: 'a'.repeat(1601) }, 21617],
    ['an unknown messaging service', { from: undefined, messagingServiceSid: 'MG1' }, 21701],
  ])('with %s has the code of it', async (_what, fields, code) => {
    await expect(client().messages.create(sms(fields))).rejects.toMatchObject({
      status: 400,
      code,
      moreInfo: `https://www.twilio.com/docs/errors/${code}`,
    });
    expect(sandbox.messages()).toEqual([]);
  });

  it('to somebody who opted out is a 21610, until they opt in', async () => {
    sandbox.optedOut.add('+4915112345678');
    await expect(client().messages.create(sms())).rejects.toMatchObject({ status: 400, code: 21610 });
    sandbox.optedOut.delete('+4915112345678');
    expect((await client().messages.create(sms())).status).toBe('queued');
  });

  it('with a wrong token is a 20003, above the rate a 20429', async () => {
    await expect(client('wrong').messages.create(sms())).rejects.toMatchObject({ status: 401, code: 20003 });
    sandbox.faults.add({ do: { kind: 'status', status: 429 } });
    await expect(client().messages.create(sms())).rejects.toMatchObject({ status: 429, code: 20429 });
    await expect(client().messages('SM0').fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
  });
});

describe('the list of messages', () => {
  it('is filtered by recipient and by the time of sending', async () => {
    const first = await client().messages.create(sms());
    const unsent = await client().messages.create(sms());
    await client().messages.create(sms({ to: '+4915199999999' }));
    sandbox.report(first.sid, 'sent');
    const sids = async (filter: object) => (await client().messages.list(filter)).map((message) => message.sid);
    expect(await sids({ to: '+4915112345678' })).toEqual([unsent.sid, first.sid]);
    const now = sandbox.clock.now();
    expect(await sids({ to: '+4915112345678', dateSentAfter: new Date(now - 60_000) })).toEqual([first.sid]);
    expect(await sids({ dateSentAfter: new Date(now + 60_000) })).toEqual([]);
    expect(await sids({ dateSentBefore: new Date(now - 60_000) })).toEqual([]);
  });

  it('comes in pages that the SDK follows', async () => {
    const sids: string[] = [];
    for (let index = 0; index < 5; index++) sids.push((await client().messages.create(sms({ body: `${index}` }))).sid);
    const listed = await client().messages.list({ pageSize: 2 });
    expect(listed.map((message) => message.sid)).toEqual(sids.toReversed());
  });
});

describe('status callbacks', () => {
  it("are signed so that Twilio's own verifier accepts them, and name the job", async () => {
    const url = `${receiver.url}/hooks/twilio?job_id=job-5`;
    const message = await client().messages.create(sms({ statusCallback: url }));
    sandbox.report(message.sid, 'sent');
    sandbox.report(message.sid, 'undelivered', 30003);
    await sandbox.callbacks.deliverer.settled();
    const requests = receiver.hooks('twilio');
    expect(requests.map(({ target }) => target)).toEqual(['/hooks/twilio?job_id=job-5', '/hooks/twilio?job_id=job-5']);
    const all = requests.map(({ body, headers }) => {
      const fields = Object.fromEntries(new URLSearchParams(body));
      const signature = String(headers['x-twilio-signature']);
      expect(twilio.validateRequest(sandbox.authToken, signature, url, fields)).toBe(true);
      expect(twilio.validateRequest('other', signature, url, fields)).toBe(false);
      return fields;
    });
    expect(all.find((fields) => fields['MessageStatus'] === 'undelivered')).toMatchObject({
      MessageSid: message.sid,
      ErrorCode: '30003',
    });
    expect(sandbox.effects.list()).toMatchObject([{ jobId: 'job-5' }]);
    expect(() => sandbox.report(message.sid, 'delivered')).toThrow('has ended as undelivered');
  });

  it('come by themselves when told', async () => {
    sandbox.autoDeliver = true;
    const message = await client().messages.create(sms({ statusCallback: `${receiver.url}/hooks/twilio` }));
    expect(message.status).toBe('queued');
    await sandbox.callbacks.deliverer.settled();
    const statuses = receiver.hooks('twilio').map(({ body }) => new URLSearchParams(body).get('MessageStatus'));
    expect(statuses.toSorted()).toEqual(['delivered', 'sent']);
    expect((await client().messages(message.sid).fetch()).status).toBe('delivered');
  });
});
