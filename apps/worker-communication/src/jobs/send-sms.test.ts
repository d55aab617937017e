import { contracts, type JobInput } from '@queue-service/contracts';
import { Secret } from '@queue-service/observability';
import { describe, expect, test } from 'vitest';
import { type CircuitOptions, createCircuit } from '../circuit.ts';
import { memorySuppressions } from '../testing/memory-suppressions.ts';
import { moveClock } from '../testing/move-clock.ts';
import { deadUrl, type Received, type Script, scriptedServer } from '../testing/scripted-server.ts';
import { testJob } from '../testing/test-job.ts';
import { createTwilioSender } from '../twilio/client.ts';
import { sendSms } from './send-sms.ts';

const accountSid = `AC${'0'.repeat(32)}`;
const payloadOf = (input: JobInput<'send-sms'>) => contracts['send-sms'].payload.parse(input);
const doors = payloadOf({ to: '+41791234567', body: 'Doors open at 19:00.' });

function resource(fields: Record<string, unknown> = {}) {
  return {
    sid: `SM${'1'.repeat(32)}`,
    status: 'queued',
    date_created: new Date().toUTCString(),
    direction: 'outbound-api',
    ...fields,
  };
}

/** As much of Twilio as is asked for: it creates messages and lists them. */
function twilioLike(): (request: Received) => Script {
  const messages: Record<string, unknown>[] = [];
  return ({ method, body }) => {
    if (method === 'GET') return { status: 200, body: { messages, page_size: 50 } };
    const form = new URLSearchParams(body);
    messages.unshift(
      resource({
        to: form.get('To'),
        from: form.get('From'),
        body: form.get('Body'),
        messaging_service_sid: form.get('MessagingServiceSid'),
      }),
    );
    return { status: 201, body: messages[0] };
  };
}

interface Setup {
  suppressions?: ReturnType<typeof memorySuppressions>;
  circuit?: Partial<CircuitOptions>;
  timeoutMs?: number;
  statusCallbackUrl?: string;
  now?: () => number;
}

function handlerWith(baseUrl: string, setup: Setup = {}) {
  const sender = createTwilioSender({
    accountSid,
    authToken: new Secret('test-token'),
    baseUrl,
    timeoutMs: setup.timeoutMs ?? 10_000,
    statusCallbackUrl: setup.statusCallbackUrl,
    circuit: createCircuit({ provider: 'twilio', random: () => 0, ...setup.circuit }),
  });
  const { suppressions } = setup.suppressions ?? memorySuppressions();
  return sendSms({ sender, suppressions, from: '+15005550006', ...(setup.now && { now: setup.now }) });
}

const later = () => Date.now() + 60_000;

describe('send-sms', () => {
  test('sends a message and counts its segments', async () => {
    const server = await scriptedServer(twilioLike());
    const result = await handlerWith(server.url)(payloadOf({ ...doors, body: 'a'.repeat(161) }), testJob().attempt());
    expect(result).toEqual({
      messageId: `SM${'1'.repeat(32)}`,
      status: 'queued',
      segments: 2,
      suppressed: false,
      suppressedReason: null,
    });
    const [received] = server.received;
    expect(received).toMatchObject({ method: 'POST', path: `/2010-04-01/Accounts/${accountSid}/Messages.json` });
    expect(received?.headers.authorization).toBe(`Basic ${btoa(`${accountSid}:test-token`)}`);
    const form = new URLSearchParams(received?.body);
    expect(form.get('From')).toBe('+15005550006');
    expect(form.has('StatusCallback')).toBe(false);
  });

  test('lets a messaging service choose the sender', async () => {
    const server = await scriptedServer(twilioLike());
    const from = `MG${'a'.repeat(32)}`;
    await handlerWith(server.url)(payloadOf({ ...doors, from }), testJob().attempt());
    const form = new URLSearchParams(server.received[0]?.body);
    expect([form.get('MessagingServiceSid'), form.get('From')]).toEqual([from, null]);
  });

  test('asks for status callbacks that lead back to the job', async () => {
    const server = await scriptedServer(twilioLike());
    const job = testJob();
    await handlerWith(server.url, { statusCallbackUrl: 'https://api.example.com/twilio?a=b' })(doors, job.attempt());
    expect(new URLSearchParams(server.received[0]?.body).get('StatusCallback')).toBe(
      `https://api.example.com/twilio?a=b&job_id=${job.jobId}&tenant_id=tenant-1`,
    );
  });

  test('writes to nobody who is suppressed', async () => {
    const server = await scriptedServer(twilioLike());
    const suppressions = memorySuppressions({ sms: { [doors.to]: 'opted_out' } });
    const result = await handlerWith(server.url, { suppressions })(doors, testJob().attempt());
    expect(result).toMatchObject({ messageId: null, suppressed: true, suppressedReason: 'opted_out' });
    expect(server.received).toEqual([]);
  });

  test.each([
    [400, 21211, 'PermanentError', 'invalid_number'],
    [400, 21614, 'PermanentError', 'invalid_number'],
    [400, 21610, 'PermanentError', 'opted_out'],
    [400, 21617, 'PermanentError', 'invalid_request'],
    [401, 20003, 'PermanentError', 'provider_authentication_failed'],
    [403, 20003, 'PermanentError', 'provider_authentication_failed'],
    [429, 20429, 'RateLimitedError', 'provider_rate_limited'],
    [500, 20500, 'UnknownOutcomeError', 'provider_error'],
    [503, 20503, 'UnknownOutcomeError', 'provider_error'],
  ])('%i with code %i becomes %s %s', async (status, code, name, expected) => {
    const server = await scriptedServer({ status, body: { status, code, message: `The number ${doors.to} is bad` } });
    const error = await handlerWith(server.url)(doors, testJob().attempt()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name, code: expected });
    expect((error as Error).message).not.toContain(doors.to);
  });

  test('an answer that is no JSON is told by its status', async () => {
    const server = await scriptedServer({
      status: 502,
      headers: { 'content-type': 'text/html' },
      body: '<h1>Bad gateway</h1>',
    });
    await expect(handlerWith(server.url)(doors, testJob().attempt())).rejects.toMatchObject({
      name: 'UnknownOutcomeError',
    });
  });

  test('suppresses who has opted out', async () => {
    const server = await scriptedServer({ status: 400, body: { status: 400, code: 21610, message: 'unsubscribed' } });
    const suppressions = memorySuppressions();
    await expect(handlerWith(server.url, { suppressions })(doors, testJob().attempt())).rejects.toMatchObject({
      code: 'opted_out',
    });
    expect(suppressions.added).toEqual([
      ['tenant-1', 'sms', { address: doors.to, reason: 'opted_out', source: 'twilio' }],
    ]);
  });

  test('a rate limit is waited for as long as it says, by all messages of this worker', async () => {
    const server = await scriptedServer({
      status: 429,
      headers: { 'retry-after': '30' },
      body: { status: 429, code: 20429 },
    });
    const handler = handlerWith(server.url);
    await expect(handler(doors, testJob().attempt())).rejects.toMatchObject({
      name: 'RateLimitedError',
      retryAfterMs: 30_000,
    });
    await expect(handler(doors, testJob().attempt())).rejects.toMatchObject({ code: 'provider_rate_limited' });
    expect(server.received).toHaveLength(1);
  });

  describe('when no answer came', () => {
    const posts = (received: Received[]) => received.filter(({ method }) => method === 'POST');

    test('a message that Twilio lists is taken for the one sent, and not repeated', async () => {
      const answer = twilioLike();
      let lost = true;
      const server = await scriptedServer((request) => {
        const script = answer(request);
        if (!lost) return script;
        lost = false;
        return 'reset';
      });
      const handler = handlerWith(server.url);
      const job = testJob();
      await expect(handler(doors, job.attempt(1))).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
      await expect(handler(doors, job.attempt(2))).resolves.toMatchObject({
        messageId: `SM${'1'.repeat(32)}`,
        segments: 1,
      });
      expect(posts(server.received)).toHaveLength(1);
    });

    test('a message that Twilio does not list is sent again, once it would have to be listed', async () => {
      const server = await scriptedServer(twilioLike());
      server.next('reset');
      const job = testJob();
      await expect(handlerWith(server.url)(doors, job.attempt(1))).rejects.toMatchObject({
        name: 'UnknownOutcomeError',
      });
      await expect(handlerWith(server.url)(doors, job.attempt(2))).rejects.toMatchObject({
        name: 'UnknownOutcomeError',
        code: 'outcome_pending',
      });
      await expect(handlerWith(server.url, { now: later })(doors, job.attempt(2))).resolves.toMatchObject({
        status: 'queued',
      });
      expect(posts(server.received)).toHaveLength(2);
    });

    test.each([
      ['an older one', { date_created: new Date(Date.now() - 3_600_000).toUTCString() }],
      ['another text', { body: 'Doors open at 20:00.' }],
      ['another sender', { from: '+15005550001' }],
    ])('%s to the same number is not taken for it', async (_case, difference) => {
      const other = resource({ to: doors.to, from: '+15005550006', body: doors.body, ...difference });
      const server = await scriptedServer(({ method }) =>
        method === 'GET'
          ? { status: 200, body: { messages: [other], page_size: 50 } }
          : { status: 201, body: resource() },
      );
      server.next('reset');
      const job = testJob();
      await handlerWith(server.url)(doors, job.attempt(1)).catch(() => undefined);
      await handlerWith(server.url, { now: later })(doors, job.attempt(2));
      expect(posts(server.received)).toHaveLength(2);
    });

    test('a message that may go out at most once is never repeated', async () => {
      const server = await scriptedServer(twilioLike());
      server.next('reset');
      const payload = payloadOf({ ...doors, delivery: 'at_most_once' });
      const job = testJob();
      await handlerWith(server.url)(payload, job.attempt(1)).catch(() => undefined);
      await expect(handlerWith(server.url, { now: later })(payload, job.attempt(2))).rejects.toMatchObject({
        code: 'outcome_unclear',
      });
      expect(posts(server.received)).toHaveLength(1);
    });

    test('the question can be repeated when it gets no answer either', async () => {
      const server = await scriptedServer(twilioLike());
      server.next('reset', 'reset');
      const job = testJob();
      await handlerWith(server.url)(doors, job.attempt(1)).catch(() => undefined);
      await expect(handlerWith(server.url)(doors, job.attempt(2))).rejects.toMatchObject({ name: 'RetryableError' });
    });

    test('nobody listening is an outage in which nothing was sent', async () => {
      const handler = handlerWith(await deadUrl());
      await expect(handler(doors, testJob().attempt())).rejects.toMatchObject({
        name: 'RetryableError',
        code: 'provider_unreachable',
      });
    });

    test('an abort cuts the request', async () => {
      const server = await scriptedServer('hang');
      const abort = new AbortController();
      const running = handlerWith(server.url, { timeoutMs: 60_000 })(doors, testJob().attempt(1, abort.signal));
      await expect.poll(() => server.received.length).toBe(1);
      abort.abort();
      await expect(running).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
    });
  });

  test('an outage opens the circuit: later messages wait without a try, and go out when it is over', async () => {
    const server = await scriptedServer(twilioLike());
    server.next({ status: 503 }, { status: 503 });
    const handler = handlerWith(server.url, { circuit: { failures: 2, openMs: 30_000 } });
    for (let failure = 0; failure < 2; failure += 1) await handler(doors, testJob().attempt()).catch(() => undefined);
    await expect(handler(doors, testJob().attempt())).rejects.toMatchObject({ code: 'provider_unavailable' });
    expect(server.received).toHaveLength(2);
    moveClock(30_000);
    await expect(handler(doors, testJob().attempt())).resolves.toMatchObject({ status: 'queued' });
  });
});
