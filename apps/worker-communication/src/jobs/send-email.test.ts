import { contracts, type JobInput } from '@queue-service/contracts';
import { Secret } from '@queue-service/observability';
import { describe, expect, test } from 'vitest';
import { type CircuitOptions, createCircuit } from '../circuit.ts';
import { createFallbackMailer } from '../mail/fallback-mailer.ts';
import type { Mailer } from '../mail/mail.ts';
import { createSendgridClient } from '../sendgrid/client.ts';
import { createSendgridMailer } from '../sendgrid/mailer.ts';
import { memorySuppressions } from '../testing/memory-suppressions.ts';
import { moveClock } from '../testing/move-clock.ts';
import { deadUrl, type Script, scriptedServer } from '../testing/scripted-server.ts';
import { testJob } from '../testing/test-job.ts';
import { sendEmail } from './send-email.ts';

const accepted: Script = { status: 202, headers: { 'x-message-id': 'sg-message-1' } };
const payloadOf = (input: JobInput<'send-email'>) => contracts['send-email'].payload.parse(input);
const inline = payloadOf({ to: 'ada@example.com', subject: 'Your ticket', text: 'Here it is' });

function sendgrid(baseUrl: string, circuit: Partial<CircuitOptions> = {}, timeoutMs = 10_000): Mailer {
  const client = createSendgridClient({ apiKey: new Secret('SG.test-key'), baseUrl, timeoutMs });
  return createSendgridMailer(client, createCircuit({ provider: 'sendgrid', random: () => 0, ...circuit }));
}

function handlerWith(mailer: Mailer, suppressions = memorySuppressions().suppressions) {
  return sendEmail({ mailer, suppressions, from: 'Tickets <tickets@example.com>' });
}

describe('send-email', () => {
  test('sends a mail from a dynamic template, with the ids that lead back to the job', async () => {
    const server = await scriptedServer(accepted);
    const job = testJob();
    const payload = payloadOf({
      to: ['ada@example.com', 'bob@example.com'],
      cc: 'cc@example.com',
      bcc: ['bcc@example.com'],
      replyTo: 'help@example.com',
      templateId: 'd-0123456789abcdef0123456789abcdef',
      templateData: { firstName: 'Ada', seatNumbers: [{ rowNumber: 1 }] },
      categories: ['ticket'],
    });

    const result = await handlerWith(sendgrid(server.url))(payload, job.attempt());

    expect(result).toEqual({
      messageId: 'sg-message-1',
      accepted: 4,
      provider: 'sendgrid',
      suppressed: false,
      suppressedReason: null,
    });
    const [received] = server.received;
    expect(received).toMatchObject({
      method: 'POST',
      path: '/v3/mail/send',
      headers: { authorization: 'Bearer SG.test-key' },
    });
    expect(JSON.parse(received?.body ?? '')).toMatchObject({
      from: { email: 'tickets@example.com', name: 'Tickets' },
      reply_to: { email: 'help@example.com' },
      template_id: 'd-0123456789abcdef0123456789abcdef',
      personalizations: [
        {
          to: [{ email: 'ada@example.com' }, { email: 'bob@example.com' }],
          cc: [{ email: 'cc@example.com' }],
          bcc: [{ email: 'bcc@example.com' }],
          dynamic_template_data: { firstName: 'Ada', seatNumbers: [{ rowNumber: 1 }] },
        },
      ],
      categories: ['ticket'],
      custom_args: { job_id: job.jobId, tenant_id: 'tenant-1', effect_id: job.effects.get('mail')?.id },
    });
  });

  test('sends a mail with its own content and attachments', async () => {
    const server = await scriptedServer(accepted);
    const payload = payloadOf({
      to: 'ada@example.com',
      subject: 'Your ticket',
      html: '<p>Here</p>',
      text: 'Here',
      attachments: [
        {
          filename: 'ticket.pdf',
          contentType: 'application/pdf',
          content: 'JVBERi0=',
          disposition: 'inline',
          contentId: 'pdf',
        },
      ],
    });
    const job = testJob();
    await handlerWith(sendgrid(server.url))(payload, job.attempt());
    expect(JSON.parse(server.received[0]?.body ?? '')).toMatchObject({
      subject: 'Your ticket',
      content: [
        { type: 'text/plain', value: 'Here' },
        { type: 'text/html', value: '<p>Here</p>' },
      ],
      attachments: [
        {
          filename: 'ticket.pdf',
          type: 'application/pdf',
          content: 'JVBERi0=',
          disposition: 'inline',
          content_id: 'pdf',
        },
      ],
    });
    expect(JSON.stringify(job.effects.get('mail')?.request)).not.toContain('JVBERi0=');
  });

  test("uses the provider's sandbox mode when asked to", async () => {
    const server = await scriptedServer({ status: 200 });
    const result = await handlerWith(sendgrid(server.url))(
      payloadOf({ ...inline, sandbox: true }),
      testJob().attempt(),
    );
    expect(JSON.parse(server.received[0]?.body ?? '')).toMatchObject({
      mail_settings: { sandbox_mode: { enable: true } },
    });
    expect(result).toMatchObject({ messageId: null, accepted: 1 });
  });

  test('names no address twice, which SendGrid would refuse', async () => {
    const server = await scriptedServer(accepted);
    const payload = payloadOf({
      ...inline,
      to: ['ada@example.com', 'Ada@Example.com'],
      cc: 'ada@example.com',
      bcc: 'bob@example.com',
    });
    const result = await handlerWith(sendgrid(server.url))(payload, testJob().attempt());
    const [personalization] = JSON.parse(server.received[0]?.body ?? '').personalizations;
    expect(personalization).toMatchObject({ to: [{ email: 'ada@example.com' }], bcc: [{ email: 'bob@example.com' }] });
    expect(personalization).not.toHaveProperty('cc');
    expect(result).toMatchObject({ accepted: 2 });
  });

  describe('suppression', () => {
    test('leaves out who is suppressed', async () => {
      const server = await scriptedServer(accepted);
      const { suppressions } = memorySuppressions({
        email: { 'bob@example.com': 'bounced', 'cc@example.com': 'complained' },
      });
      const payload = payloadOf({ ...inline, to: ['ada@example.com', 'bob@example.com'], cc: 'cc@example.com' });
      const result = await handlerWith(sendgrid(server.url), suppressions)(payload, testJob().attempt());
      expect(server.received[0]?.body).not.toMatch(/bob@|cc@/);
      expect(result).toMatchObject({ accepted: 1, suppressed: false });
    });

    test.each([
      ['everybody is', payloadOf({ ...inline, to: 'bob@example.com' })],
      ['nobody is left but copies', payloadOf({ ...inline, to: 'bob@example.com', cc: 'ada@example.com' })],
    ])('sends nothing when %s, and completes with the reason', async (_case, payload) => {
      const server = await scriptedServer(accepted);
      const { suppressions } = memorySuppressions({ email: { 'bob@example.com': 'bounced' } });
      const result = await handlerWith(sendgrid(server.url), suppressions)(payload, testJob().attempt());
      expect(result).toEqual({
        messageId: null,
        accepted: 0,
        provider: 'none',
        suppressed: true,
        suppressedReason: 'bounced',
      });
      expect(server.received).toEqual([]);
    });
  });

  describe('what SendGrid refuses', () => {
    test.each([
      [400, 'PermanentError', 'invalid_request'],
      [401, 'PermanentError', 'provider_authentication_failed'],
      [403, 'PermanentError', 'provider_authentication_failed'],
      [413, 'PermanentError', 'message_too_large'],
      [302, 'PermanentError', 'invalid_request'],
      [429, 'RateLimitedError', 'provider_rate_limited'],
      [500, 'UnknownOutcomeError', 'provider_error'],
      [503, 'UnknownOutcomeError', 'provider_error'],
    ])('%i becomes %s %s', async (status, name, code) => {
      const server = await scriptedServer({
        status,
        headers: { location: 'https://example.com/' },
        body: { errors: [{ message: 'no' }] },
      });
      await expect(handlerWith(sendgrid(server.url))(inline, testJob().attempt())).rejects.toMatchObject({
        name,
        code,
      });
    });

    test('names the bad field, never what the provider says of the address', async () => {
      const body = {
        errors: [{ message: 'ada@example.com is bad', field: 'personalizations.0.to.0.email', help: null }],
      };
      const server = await scriptedServer({ status: 400, body });
      const error = (await handlerWith(sendgrid(server.url))(inline, testJob().attempt()).catch(
        (thrown: Error) => thrown,
      )) as Error;
      expect(error.message).toBe('SendGrid refuses the mail (400): personalizations.0.to.0.email');
      expect(error.cause).toBeUndefined();
    });

    test('waits as long as the rate limit says, all mails of this worker', async () => {
      const reset = Math.floor(Date.now() / 1_000) + 120;
      const server = await scriptedServer({ status: 429, headers: { 'x-ratelimit-reset': String(reset) } });
      const handler = handlerWith(sendgrid(server.url));
      const first = await handler(inline, testJob().attempt()).catch((error: { retryAfterMs: number }) => error);
      expect(first).toMatchObject({ name: 'RateLimitedError' });
      expect((first as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(100_000);
      await expect(handler(inline, testJob().attempt())).rejects.toMatchObject({ code: 'provider_rate_limited' });
      expect(server.received).toHaveLength(1);
    });
  });

  describe('when no answer comes', () => {
    test.each(['hang', 'reset'] as const)(
      'after a %s the mail is sent again, under the same effect id',
      async (fault) => {
        const server = await scriptedServer(accepted);
        server.next(fault);
        const impatient = handlerWith(sendgrid(server.url, {}, 200));
        const job = testJob();
        await expect(impatient(inline, job.attempt(1))).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
        const handler = handlerWith(sendgrid(server.url));
        await expect(handler(inline, job.attempt(2))).resolves.toMatchObject({ messageId: 'sg-message-1' });
        const [first, second] = server.received.map(({ body }) => body);
        expect(second).toBe(first);
      },
    );

    test('a mail that may go out at most once is not repeated', async () => {
      const server = await scriptedServer(accepted);
      server.next('reset');
      const handler = handlerWith(sendgrid(server.url));
      const job = testJob();
      const payload = payloadOf({ ...inline, delivery: 'at_most_once' });
      await expect(handler(payload, job.attempt(1))).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
      await expect(handler(payload, job.attempt(2))).rejects.toMatchObject({
        name: 'PermanentError',
        code: 'outcome_unknown',
      });
      expect(server.received).toHaveLength(1);
    });

    test.each([
      ['a rate limit', { status: 429 }],
      ['an outage', { status: 503 }],
    ] as const)('a mail that may go out at most once is sent after %s in which it was not', async (_what, script) => {
      const server = await scriptedServer(accepted);
      server.next(script);
      const handler = handlerWith(sendgrid(server.url, { failures: 1, openMs: 30_000 }));
      const payload = payloadOf({ ...inline, delivery: 'at_most_once' });
      await handler(inline, testJob().attempt()).catch(() => undefined);
      const job = testJob();
      await expect(handler(payload, job.attempt(1))).rejects.toMatchObject({ name: 'RateLimitedError' });
      moveClock(60_000);
      await expect(handler(payload, job.attempt(1))).resolves.toMatchObject({ messageId: 'sg-message-1' });
    });

    test('a confirmed mail is not sent again by a later attempt', async () => {
      const server = await scriptedServer(accepted);
      const handler = handlerWith(sendgrid(server.url));
      const job = testJob();
      const first = await handler(inline, job.attempt(1));
      expect(await handler(inline, job.attempt(2))).toEqual(first);
      expect(server.received).toHaveLength(1);
    });

    test('nobody listening is an outage in which nothing was sent', async () => {
      const handler = handlerWith(sendgrid(await deadUrl()));
      await expect(handler(inline, testJob().attempt())).rejects.toMatchObject({
        name: 'RetryableError',
        code: 'provider_unreachable',
      });
    });

    test('an abort cuts the request', async () => {
      const server = await scriptedServer('hang');
      const handler = handlerWith(sendgrid(server.url, {}, 60_000));
      const abort = new AbortController();
      const running = handler(inline, testJob().attempt(1, abort.signal));
      await expect.poll(() => server.received.length).toBe(1);
      abort.abort();
      await expect(running).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
    });
  });

  test('an outage opens the circuit: later mails wait without a try, and go out when it is over', async () => {
    const server = await scriptedServer(accepted);
    server.next({ status: 503 }, { status: 503 });
    const handler = handlerWith(sendgrid(server.url, { failures: 2, openMs: 30_000 }));
    for (let failure = 0; failure < 2; failure += 1) await handler(inline, testJob().attempt()).catch(() => undefined);
    await expect(handler(inline, testJob().attempt())).rejects.toMatchObject({
      name: 'RateLimitedError',
      code: 'provider_unavailable',
    });
    expect(server.received).toHaveLength(2);
    moveClock(30_000);
    await expect(handler(inline, testJob().attempt())).resolves.toMatchObject({ messageId: 'sg-message-1' });
  });

  describe('the second provider', () => {
    const second = () => {
      const sent: string[] = [];
      const mailer: Mailer = {
        async send(mail) {
          sent.push(mail.to.join());
          return { messageId: 'second-1', provider: 'smtp' };
        },
      };
      return { sent, mailer };
    };

    test('sends what the first cannot take while its circuit is open, and only that', async () => {
      const server = await scriptedServer({ status: 503 });
      const { sent, mailer } = second();
      const handler = handlerWith(createFallbackMailer(sendgrid(server.url, { failures: 1 }), mailer));
      await expect(handler(inline, testJob().attempt())).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
      expect(sent).toEqual([]);
      await expect(handler(inline, testJob().attempt())).resolves.toMatchObject({
        messageId: 'second-1',
        provider: 'smtp',
      });
      expect(sent).toEqual(['ada@example.com']);
    });

    test('cannot send a template of the first', async () => {
      const server = await scriptedServer({ status: 503 });
      const { sent, mailer } = second();
      const handler = handlerWith(createFallbackMailer(sendgrid(server.url, { failures: 1 }), mailer));
      const payload = payloadOf({ to: 'ada@example.com', templateId: 'd-1' });
      await handler(payload, testJob().attempt()).catch(() => undefined);
      await expect(handler(payload, testJob().attempt())).rejects.toMatchObject({ code: 'provider_unavailable' });
      expect(sent).toEqual([]);
    });
  });
});
