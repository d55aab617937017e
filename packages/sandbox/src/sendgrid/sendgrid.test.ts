import { EventWebhook } from '@sendgrid/eventwebhook';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startAlerts } from '../alerts/start.ts';
import { startSendgrid } from './start.ts';
import { type Mail, mailerOf } from './test-client.ts';

let sandbox: Awaited<ReturnType<typeof startSendgrid>>;
let receiver: Awaited<ReturnType<typeof startAlerts>>;
beforeAll(async () => {
  sandbox = await startSendgrid({
    templates: { [TEMPLATE]: { subject: 'Hello {{name}}', html: '<p>{{order.id}} {{{raw}}}</p>' } },
  });
  receiver = await startAlerts();
});
afterAll(async () => {
  await sandbox.stop();
  await receiver.stop();
});
beforeEach(() => {
  sandbox.reset();
  sandbox.events.removeAll();
  sandbox.autoDeliver = false;
  sandbox.requestsPerMinute = 10_000;
  receiver.reset();
});

const TEMPLATE = `d-${'0'.repeat(32)}`;

const mailer = (apiKey?: string) => mailerOf(sandbox, apiKey);

const mail = (fields: Partial<Mail> = {}) =>
  ({
    to: 'a@example.com',
    from: 'tickets@example.com',
    subject: 'Your ticket',
    text: 'Here it is',
    ...fields,
  }) as Mail;

async function refusal(
  fields: object,
): Promise<{ code: number; errors: { message: string; field: string | null; help: string | null }[] }> {
  const error = await mailer()
    .send(mail(fields))
    .then(
      () => undefined,
      (reason: { code: number; response: { body: { errors: [] } } }) => reason,
    );
  if (!error) throw new Error('the mail was expected to be refused');
  return { code: error.code, errors: error.response.body.errors };
}

describe('a mail', () => {
  it('is accepted with a message id and rate limit headers, and kept with its custom arguments', async () => {
    const [answer] = await mailer().send(
      mail({
        cc: 'c@example.com',
        bcc: [{ email: 'd@example.com', name: 'D' }],
        replyTo: 'help@example.com',
        html: '<b>Here</b>',
        categories: ['tickets'],
        customArgs: { job_id: 'job-1' },
        attachments: [{ content: Buffer.from('%PDF').toString('base64'), filename: 't.pdf', type: 'application/pdf' }],
      }),
    );
    expect(answer.statusCode).toBe(202);
    expect(answer.headers).toMatchObject({
      'x-ratelimit-limit': '10000',
      'x-ratelimit-remaining': expect.stringMatching(/^\d+$/),
    });
    expect(sandbox.mails()).toMatchObject([
      {
        messageId: answer.headers['x-message-id'],
        to: ['a@example.com'],
        cc: ['c@example.com'],
        bcc: ['d@example.com'],
        replyTo: { email: 'help@example.com' },
        subject: 'Your ticket',
        text: 'Here it is',
        html: '<b>Here</b>',
        categories: ['tickets'],
        customArgs: { job_id: 'job-1' },
        attachments: [{ filename: 't.pdf', type: 'application/pdf', bytes: 4 }],
      },
    ]);
    expect(sandbox.effects.list({ jobId: 'job-1' })).toMatchObject([{ kind: 'mail' }]);
  });

  it('by a dynamic template is rendered for the inbox, with its data escaped', async () => {
    await mailer().send({
      to: 'a@example.com',
      from: 'tickets@example.com',
      templateId: TEMPLATE,
      dynamicTemplateData: { name: 'Zoë', order: { id: '<7>' }, raw: '<i>x</i>' },
    });
    expect(sandbox.mails()).toMatchObject([
      { subject: 'Hello Zoë', html: '<p>&lt;7&gt; <i>x</i></p>', templateId: TEMPLATE },
    ]);
  });

  it('in sandbox mode is checked and not sent', async () => {
    const [answer] = await mailer().send(mail({ mailSettings: { sandboxMode: { enable: true } } }));
    expect(answer.statusCode).toBe(200);
    expect(sandbox.mails()).toEqual([]);
  });

  it('counts once for each personalization', async () => {
    await mailer().send(
      mail({ to: undefined, personalizations: [{ to: 'a@example.com' }, { to: 'b@example.com' }] } as object),
    );
    expect(sandbox.effects.counts()).toEqual({ mail: 2 });
  });
});

describe('a bad mail', () => {
  it.each([
    ['no valid address', { to: 'nobody' }, 'personalizations.0.to.0.email', /valid address/],
    ['no content', { text: undefined }, 'content', /content parameter is required/],
    [
      'an empty content',
      { content: [{ type: 'text/plain', value: '' }], text: undefined },
      'content.0.value',
      /at least one character/,
    ],
    ['no subject', { subject: undefined }, 'subject', /subject is required/],
    ['a template that is no GUID', { templateId: 'welcome' }, 'template_id', /valid GUID, you provided 'welcome'/],
    ['the same address twice', { cc: 'A@example.com' }, 'personalizations.0', /unique between to, cc, and bcc/],
    ['eleven categories', { categories: Array.from({ length: 11 }, (_, i) => `c${i}`) }, 'categories', /up to 10/],
    [
      'html before text',
      {
        text: undefined,
        content: [
          { type: 'text/html', value: 'h' },
          { type: 'text/plain', value: 't' },
        ],
      },
      'content',
      /must be the first/,
    ],
  ])('with %s is a 400 that names the field', async (_what, fields, field, message) => {
    const { code, errors } = await refusal(fields);
    expect(code).toBe(400);
    expect(errors).toContainEqual(expect.objectContaining({ message: expect.stringMatching(message), field }));
    expect(sandbox.mails()).toEqual([]);
  });

  it('names everything that is wrong at once', async () => {
    const { errors } = await refusal({ to: 'x', from: 'y', subject: undefined });
    expect(errors.map((error) => error.field)).toEqual(['from.email', 'personalizations.0.to.0.email', 'subject']);
  });

  it('is a 401 with a wrong key, and a 413 when it is too large', async () => {
    await expect(mailer('no-key').send(mail())).rejects.toMatchObject({ code: 401 });
    const answer = await fetch(`${sandbox.url}/v3/mail/send`, {
      method: 'POST',
      headers: { Authorization: 'Bearer SG.sandbox' },
      body: new Uint8Array(30 * 1024 * 1024 + 1),
    });
    expect(answer.status).toBe(413);
  });
});

describe('limits and faults', () => {
  it('refuse what is above the rate until the minute is over', async () => {
    sandbox.requestsPerMinute = 1;
    sandbox.clock.advance(60_000);
    await mailer().send(mail());
    const { code, errors } = await refusal({});
    expect([code, errors]).toEqual([429, [{ message: 'too many requests', field: null, help: null }]]);
    sandbox.clock.advance(60_000);
    expect((await mailer().send(mail()))[0].statusCode).toBe(202);
  });

  it('say when the rate is free again', async () => {
    sandbox.faults.add({ do: { kind: 'status', status: 429 } });
    const error = await mailer()
      .send(mail())
      .then(
        () => undefined,
        (reason: { response: { headers: Record<string, string> } }) => reason,
      );
    expect(error?.response.headers['x-ratelimit-remaining']).toBe('0');
    expect(Number(error?.response.headers['x-ratelimit-reset']) * 1000).toBeGreaterThan(sandbox.clock.now());
  });

  it('can send the mail and lose the answer', async () => {
    sandbox.faults.add({ do: { kind: 'reset-after-work' } });
    await expect(mailer().send(mail())).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(sandbox.mails()).toHaveLength(1);
  });
});

describe('the event webhook', () => {
  const url = () => `${receiver.url}/hooks/sendgrid`;

  it("is signed so that SendGrid's own verifier accepts it", async () => {
    sandbox.events.add({ url: url() });
    await mailer().send(mail({ customArgs: { job_id: 'job-1' } }));
    sandbox.report('job-1', 'delivered');
    await sandbox.events.deliverer.settled();
    sandbox.report('job-1', 'open');
    await sandbox.events.deliverer.settled();
    const verifier = new EventWebhook();
    const key = verifier.convertPublicKeyToECDSA(sandbox.events.publicKey);
    const requests = receiver.hooks('sendgrid');
    expect(requests).toHaveLength(2);
    for (const { body, headers } of requests) {
      const signature = String(headers['x-twilio-email-event-webhook-signature']);
      const timestamp = String(headers['x-twilio-email-event-webhook-timestamp']);
      expect(verifier.verifySignature(key, body, signature, timestamp)).toBe(true);
      expect(verifier.verifySignature(key, `${body} `, signature, timestamp)).toBe(false);
    }
    expect(requests.flatMap(({ body }) => JSON.parse(body))).toMatchObject([
      { event: 'delivered', email: 'a@example.com', job_id: 'job-1', sg_message_id: sandbox.mails()[0]?.sgMessageId },
      { event: 'open', job_id: 'job-1' },
    ]);
  });

  it.each([
    ['bounce', 'Bounced Address'],
    ['spamreport', 'Spam Reporting Address'],
    ['unsubscribe', 'Unsubscribed Address'],
  ] as const)('%s: the next mail to the address is dropped', async (event, reason) => {
    sandbox.events.add({ url: url() });
    await mailer().send(mail({ customArgs: { job_id: 'job-1' } }));
    sandbox.report('job-1', event);
    await sandbox.events.deliverer.settled();
    await mailer().send(mail({ customArgs: { job_id: 'job-2' } }));
    await sandbox.events.deliverer.settled();
    const events = receiver.hooks('sendgrid').flatMap(({ body }) => JSON.parse(body));
    expect(events).toMatchObject([
      { event, job_id: 'job-1' },
      { event: 'dropped', reason, job_id: 'job-2' },
    ]);
    expect(sandbox.effects.counts()).toEqual({ mail: 1, dropped_mail: 1 });
  });

  it('reports delivery by itself when told, and tries again when it is refused', async () => {
    sandbox.events.add({ url: url(), retryGapMs: 1 });
    sandbox.autoDeliver = true;
    receiver.faults.add({ do: { kind: 'status', status: 503 } });
    await mailer().send(mail());
    await vi.waitFor(() => expect(receiver.hooks('sendgrid')).toHaveLength(1));
    const [request] = receiver.hooks('sendgrid');
    expect(JSON.parse(String(request?.body)).map((event: { event: string }) => event.event)).toEqual([
      'processed',
      'delivered',
    ]);
  });

  it('knows only its mails and its kinds of event', () => {
    expect(() => sandbox.report('nobody', 'open')).toThrow(RangeError);
    expect(() => sandbox.report('nobody', 'eaten' as 'open')).toThrow('no event eaten');
  });
});
