import { contracts, type JobInput } from '@queue-service/contracts';
import { Secret } from '@queue-service/observability';
import { startSendgrid } from '@queue-service/sandbox';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createCircuit } from '../circuit.ts';
import { createSendgridClient } from '../sendgrid/client.ts';
import { createSendgridMailer } from '../sendgrid/mailer.ts';
import { memorySuppressions } from '../testing/memory-suppressions.ts';
import { moveClock } from '../testing/move-clock.ts';
import { testJob } from '../testing/test-job.ts';
import { sendEmail } from './send-email.ts';

const payloadOf = (input: JobInput<'send-email'>) => contracts['send-email'].payload.parse(input);
const inline = payloadOf({ to: 'ada@example.com', subject: 'Your ticket', text: 'Here it is' });

async function setup(apiKey = 'SG.sandbox') {
  const sendgrid = await startSendgrid({ apiKey: 'SG.sandbox' });
  onTestFinished(() => sendgrid.stop());
  const client = createSendgridClient({ apiKey: new Secret(apiKey), baseUrl: sendgrid.url, timeoutMs: 10_000 });
  const mailer = createSendgridMailer(
    client,
    createCircuit({ provider: 'sendgrid', failures: 3, openMs: 30_000, random: () => 0 }),
  );
  const handler = sendEmail({
    mailer,
    suppressions: memorySuppressions().suppressions,
    from: 'Tickets <tickets@example.com>',
  });
  return { sendgrid, handler };
}

describe('send-email by the SDK against the sandbox', () => {
  test('a mail arrives as it was meant', async () => {
    const { sendgrid, handler } = await setup();
    const job = testJob();
    const attachments = [
      {
        filename: 'ticket.pdf',
        contentType: 'application/pdf',
        content: 'JVBERi0=',
        disposition: 'inline' as const,
        contentId: 'pdf',
      },
    ];
    const payload = payloadOf({
      ...inline,
      cc: 'cc@example.com',
      replyTo: 'help@example.com',
      categories: ['ticket'],
      attachments,
    });
    await handler(payload, job.attempt());
    const [mail] = sendgrid.mails();
    expect(mail).toMatchObject({
      messageId: job.effects.get('mail')?.providerId,
      from: { email: 'tickets@example.com', name: 'Tickets' },
      replyTo: { email: 'help@example.com' },
      to: ['ada@example.com'],
      cc: ['cc@example.com'],
      subject: 'Your ticket',
      text: 'Here it is',
      categories: ['ticket'],
      customArgs: { job_id: job.jobId, tenant_id: 'tenant-1', effect_id: job.effects.get('mail')?.id },
      attachments: [{ filename: 'ticket.pdf', type: 'application/pdf' }],
    });
  });

  test('a dynamic template arrives with its data', async () => {
    const { sendgrid, handler } = await setup();
    const templateId = `d-${'0'.repeat(32)}`;
    await handler(payloadOf({ to: 'ada@example.com', templateId, templateData: { name: 'Ada' } }), testJob().attempt());
    expect(sendgrid.mails()).toMatchObject([{ templateId, templateData: { name: 'Ada' } }]);
  });

  test('the sandbox mode of SendGrid sends nothing', async () => {
    const { sendgrid, handler } = await setup();
    await expect(handler(payloadOf({ ...inline, sandbox: true }), testJob().attempt())).resolves.toMatchObject({
      messageId: null,
    });
    expect(sendgrid.mails()).toEqual([]);
  });

  test('a wrong key is an authentication failure', async () => {
    const { handler } = await setup('SG.wrong');
    await expect(handler(inline, testJob().attempt())).rejects.toMatchObject({
      code: 'provider_authentication_failed',
    });
  });

  test('an answer lost after the work repeats the mail, or stops, as the job has asked', async () => {
    const { sendgrid, handler } = await setup();
    for (const delivery of ['at_least_once', 'at_most_once'] as const) {
      sendgrid.faults.add({ do: { kind: 'reset-after-work' } });
      const job = testJob();
      const payload = payloadOf({ ...inline, delivery });
      await expect(handler(payload, job.attempt(1))).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
      const second = handler(payload, job.attempt(2));
      if (delivery === 'at_least_once') await second;
      else await expect(second).rejects.toMatchObject({ code: 'outcome_unknown' });
      expect(sendgrid.effects.count({ kind: 'mail', jobId: job.jobId })).toBe(delivery === 'at_least_once' ? 2 : 1);
    }
  });

  test('through an outage: mails fail, then wait, then go out once each', async () => {
    const { sendgrid, handler } = await setup();
    const outage = sendgrid.faults.add({ do: { kind: 'status', status: 503 }, times: 'always' });
    const jobs = Array.from({ length: 6 }, () => testJob());
    const codes: unknown[] = [];
    for (const job of jobs)
      await handler(inline, job.attempt(1)).catch((error: { code: string }) => codes.push(error.code));
    expect(codes).toEqual([...Array(3).fill('provider_error'), ...Array(3).fill('provider_unavailable')]);
    sendgrid.faults.remove(outage);
    moveClock(30_000);
    for (const job of jobs) await handler(inline, job.attempt(2));
    expect(sendgrid.mails()).toHaveLength(6);
  });
});
