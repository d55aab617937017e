import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Secret } from '@queue-service/observability';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createCircuit } from '../circuit.ts';
import type { Mail } from '../mail/mail.ts';
import { deadUrl } from '../testing/scripted-server.ts';
import { createSmtpMailer } from './mailer.ts';

const mail: Mail = {
  to: ['ada@example.com'],
  cc: ['cc@example.com'],
  bcc: ['bcc@example.com'],
  from: 'Tickets <tickets@example.com>',
  replyTo: 'help@example.com',
  template: null,
  subject: 'Your ticket',
  html: '<p>Here</p>',
  text: 'Here',
  categories: [],
  sandbox: false,
  ids: { job_id: 'job-1', tenant_id: 'tenant-1' },
};
const call = { attachments: [], effectId: 'effect-1', signal: new AbortController().signal };

/** A real SMTP server that keeps what it is sent. */
async function smtpServer(options: SMTPServerOptions = {}) {
  const messages: { recipients: string[]; text: string }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        messages.push({
          recipients: session.envelope.rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString(),
        });
        callback();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { messages, url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}` };
}

function mailer(url: string, timeoutMs = 10_000) {
  const made = createSmtpMailer({ url: new Secret(url), timeoutMs, circuit: createCircuit({ provider: 'smtp' }) });
  onTestFinished(() => made.close());
  return made;
}

function failing(responseCode: number): Error {
  return Object.assign(new Error('refused by the test'), { responseCode });
}

describe('mail by SMTP', () => {
  test('reaches everybody, and shows blind copies to nobody', async () => {
    const { url, messages } = await smtpServer();
    const attachments = [
      { filename: 'ticket.txt', contentType: 'text/plain', content: Buffer.from('seat 1').toString('base64') },
    ];
    const receipt = await mailer(url).send(mail, { ...call, attachments });
    expect(receipt).toEqual({ messageId: '<job-1@example.com>', provider: 'smtp' });
    expect(messages[0]?.recipients).toEqual(['ada@example.com', 'cc@example.com', 'bcc@example.com']);
    expect(messages[0]?.text).toMatch(/^Message-ID: <job-1@example.com>\r$/m);
    expect(messages[0]?.text).toMatch(/filename=ticket.txt/);
    expect(messages[0]?.text).not.toContain('bcc@example.com');
  });

  test('a repeat has the same Message-ID', async () => {
    const { url, messages } = await smtpServer();
    const sender = mailer(url);
    await sender.send(mail, call);
    await sender.send(mail, call);
    expect(messages.map(({ text }) => /^Message-ID: (.*)\r$/m.exec(text)?.[1])).toEqual([
      '<job-1@example.com>',
      '<job-1@example.com>',
    ]);
  });

  test.each([
    [550, 'PermanentError', 'invalid_request'],
    [451, 'RetryableError', 'provider_error'],
  ])('a recipient refused with %i becomes %s %s', async (status, name, code) => {
    const { url } = await smtpServer({ onRcptTo: (_address, _session, callback) => callback(failing(status)) });
    await expect(mailer(url).send(mail, call)).rejects.toMatchObject({ name, code });
  });

  test('a mail refused for its size becomes message_too_large', async () => {
    const { url } = await smtpServer({
      onData(stream, _session, callback) {
        stream.resume().on('end', () => callback(failing(552)));
      },
    });
    await expect(mailer(url).send(mail, call)).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'message_too_large',
    });
  });

  test('refused credentials become provider_authentication_failed', async () => {
    const { url } = await smtpServer({
      authOptional: false,
      onAuth: (_auth, _session, callback) => callback(failing(535)),
    });
    const withPassword = url.replace('smtp://', 'smtp://user:secret@');
    await expect(mailer(withPassword).send(mail, call)).rejects.toMatchObject({
      code: 'provider_authentication_failed',
    });
  });

  test('nobody listening is an outage in which nothing was sent', async () => {
    const url = (await deadUrl()).replace('http:', 'smtp:');
    await expect(mailer(url).send(mail, call)).rejects.toMatchObject({
      name: 'RetryableError',
      code: 'provider_unreachable',
    });
  });

  test('silence after the mail leaves its outcome unknown', async () => {
    const { url } = await smtpServer({ onData: (stream) => void stream.resume() });
    await expect(mailer(url, 1_500).send(mail, call)).rejects.toMatchObject({
      name: 'UnknownOutcomeError',
      code: 'provider_no_answer',
    });
  });
});
