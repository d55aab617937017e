import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Secret } from '@queue-service/observability';
import { findSuppressed } from '@queue-service/persistence';
import { twilioCallbackUrl } from '@queue-service/providers';
import { type Sandbox, startSandbox } from '@queue-service/sandbox';
import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { bearer } from '../testing/tokens.ts';

let real: RealApp;
let sandbox: Sandbox;
let server: Server;
let callbackUrl: string;
const authToken = 'token-of-this-test';
beforeAll(async () => {
  sandbox = await startSandbox({ only: ['sendgrid', 'twilio'], twilio: { authToken } });
  const configured = { callbackUrl: 'http://127.0.0.1/', authToken: new Secret(authToken) };
  real = await realApp({ sendgridPublicKey: sandbox.sendgrid.events.publicKey, twilioWebhook: configured });
  server = createServer(real.app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/queue/providers`;
  callbackUrl = `${base}/twilio/webhook`;
  configured.callbackUrl = callbackUrl;
  sandbox.sendgrid.events.add({ url: `${base}/sendgrid/webhook` });
});
afterAll(async () => {
  await sandbox.stop();
  server.close();
  await real.close();
});

/** A job that has ended, as history has it. */
async function jobOf(type: 'send-email' | 'send-sms') {
  const id = crypto.randomUUID();
  const base = { queue: 'communication', status: 'completed', priority: 5, maxAttempts: 3, tenantId: 'venue-1' };
  const data = { ...base, id, type, payload: {}, payloadVersion: 1, attempts: 1, finishedAt: new Date() };
  await real.runtime.db.prisma.job.create({ data });
  return id;
}
async function deliveryOf(id: string) {
  const answer = await request(real.app)
    .get(`/api/v1/queue/jobs/${id}`)
    .set('Authorization', await bearer('service'));
  return answer.body.job.delivery;
}
async function mail(jobId: string, to: string[]) {
  const answer = await fetch(`${sandbox.url}/v3/mail/send`, {
    method: 'POST',
    headers: { authorization: 'Bearer SG.x', 'content-type': 'application/json' },
    body: JSON.stringify({
      personalizations: [{ to: to.map((email) => ({ email })) }],
      from: { email: 'tickets@example.com' },
      subject: 's',
      content: [{ type: 'text/plain', value: 't' }],
      custom_args: { job_id: jobId, tenant_id: 'venue-1' },
    }),
  });
  expect(answer.status).toBe(202);
}
const suppressed = (channel: 'email' | 'sms', address: string) =>
  findSuppressed(real.runtime.db, real.runtime.sealer, 'venue-1', channel, [address]);

it('shows on the job what SendGrid says of its mail, in any order and told twice, and writes to no bounced address', async () => {
  const id = await jobOf('send-email');
  await mail(id, ['ada@example.com', 'bob@example.com']);
  const { sendgrid } = sandbox;
  const [sent] = sendgrid.mails().filter(({ customArgs }) => customArgs['job_id'] === id);
  if (sent === undefined) throw new Error('the sandbox has no mail');
  const make = (email: string, event: Parameters<typeof sendgrid.events.make>[2], at: number) =>
    sendgrid.events.make(sent, email, event, at);
  const opened = make('ada@example.com', 'open', 1_900_000_100);
  const delivered = make('ada@example.com', 'delivered', 1_900_000_000);
  sendgrid.events.send([opened]);
  await sendgrid.events.deliverer.settled();
  await expect
    .poll(() => deliveryOf(id))
    .toMatchObject({ provider: 'sendgrid', status: 'opened', recipients: { opened: 1 } });

  const bounce = make('Bob@example.com', 'bounce', 1_900_000_050);
  sendgrid.events.send([bounce, delivered, delivered]);
  sendgrid.events.send([opened, bounce]);
  await sendgrid.events.deliverer.settled();
  expect(sendgrid.events.deliverer.deliveries().map(({ status }) => status)).toEqual([200, 200, 200]);
  await expect
    .poll(() => deliveryOf(id))
    .toEqual({
      ...{ provider: 'sendgrid', status: 'bounced', code: '5.1.1', updatedAt: '2030-03-17T17:48:20.000Z' },
      recipients: { delivered: 1, opened: 1, bounced: 1 },
    });
  const stored = await real.runtime.db.prisma.providerEvent.findMany({ where: { jobId: id } });
  expect(stored).toHaveLength(3);
  expect(JSON.stringify(stored)).not.toContain('example.com');
  expect(await suppressed('email', 'bob@example.com')).toMatchObject([{ reason: 'bounced' }]);
  expect(await suppressed('email', 'ada@example.com')).toEqual([]);
});

it('shows what Twilio says of a message, and heeds an opt-out', async () => {
  const id = await jobOf('send-sms');
  const { twilio } = sandbox;
  const form = { To: '+41791234567', From: '+15005550006', Body: 'hello' };
  const statusCallback = twilioCallbackUrl(callbackUrl, { job_id: id, tenant_id: 'venue-1' });
  const answer = await fetch(`${sandbox.url}/2010-04-01/Accounts/${twilio.accountSid}/Messages.json`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${twilio.accountSid}:${authToken}`).toString('base64')}` },
    body: new URLSearchParams({ ...form, StatusCallback: statusCallback }),
  });
  const { sid } = (await answer.json()) as { sid: string };
  twilio.report(sid, 'sent');
  await expect.poll(() => deliveryOf(id)).toMatchObject({ provider: 'twilio', status: 'accepted' });
  twilio.report(sid, 'failed', 21610);
  await twilio.callbacks.deliverer.settled();
  await expect.poll(() => deliveryOf(id)).toMatchObject({ status: 'failed', code: '21610' });
  expect(await suppressed('sms', form.To)).toMatchObject([{ reason: 'opted_out' }]);
});

it('shows what was told before the row of the job was there', async () => {
  const [accepted] = await real.runtime.producer.accept([
    { type: 'send-email', tenantId: 'venue-1', data: { to: 'ada@example.com', subject: 's', text: 't' } },
  ]);
  const id = accepted?.outcome === 'created' ? accepted.job.id : '';
  const job = await real.runtime.reader.find(id, null);
  await real.runtime.db.prisma.providerEvent.create({
    data: {
      ...{ provider: 'sendgrid', eventId: 'early', type: 'delivered', jobId: id, occurredAt: new Date() },
      payload: { kind: 'delivered', recipient: 'r', code: null },
    },
  });
  if (job === null) throw new Error('there is no such job');
  const queued = await real.runtime.connections.of('communication').queue.getJob(id);
  const ended = {
    ...job,
    status: 'completed' as const,
    scheduledFor: null,
    startedAt: new Date(),
    finishedAt: new Date(),
  };
  real.runtime.history.write({ ...ended, createdAt: new Date(job.createdAt) }, queued?.data, false);
  await expect.poll(() => deliveryOf(id)).toMatchObject({ status: 'delivered' });
});

it('believes neither of them without its signature', async () => {
  const post = (provider: string) => request(real.app).post(`/api/v1/queue/providers/${provider}/webhook`);
  const event = [{ event: 'bounce', email: 'eve@example.com', timestamp: 1, sg_event_id: 'forged' }];
  const forged = await post('sendgrid').set('X-Twilio-Email-Event-Webhook-Signature', 'MEUC').send(event);
  expect(forged.body.code).toBe('invalid_signature');
  expect((await post('sendgrid').send(event)).body.code).toBe('invalid_signature');
  const status = { MessageSid: 'SM1', MessageStatus: 'failed', To: '+41790000000', ErrorCode: '21610' };
  const other = await post('twilio').type('form').set('X-Twilio-Signature', 'AAAA').send(status);
  expect(other.body.code).toBe('invalid_signature');
  expect(await suppressed('sms', status.To)).toEqual([]);
});
