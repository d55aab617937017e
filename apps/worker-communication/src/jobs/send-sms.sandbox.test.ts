import { contracts, type JobInput } from '@queue-service/contracts';
import { Secret } from '@queue-service/observability';
import { startTwilio } from '@queue-service/sandbox';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createCircuit } from '../circuit.ts';
import { memorySuppressions } from '../testing/memory-suppressions.ts';
import { moveClock } from '../testing/move-clock.ts';
import { testJob } from '../testing/test-job.ts';
import { createTwilioSender } from '../twilio/client.ts';
import { sendSms } from './send-sms.ts';

const payloadOf = (input: JobInput<'send-sms'>) => contracts['send-sms'].payload.parse(input);
const doors = payloadOf({ to: '+41791234567', body: 'Türen öffnen um 19 Uhr 🎫' });

async function setup(authToken = 'sandbox-token') {
  const twilio = await startTwilio({ authToken: 'sandbox-token' });
  onTestFinished(() => twilio.stop());
  const sender = createTwilioSender({
    accountSid: twilio.accountSid,
    authToken: new Secret(authToken),
    baseUrl: twilio.url,
    statusCallbackUrl: 'http://127.0.0.1:9/providers/twilio/webhook',
    timeoutMs: 10_000,
    circuit: createCircuit({ provider: 'twilio', failures: 3, openMs: 30_000, random: () => 0 }),
  });
  const suppressions = memorySuppressions();
  return {
    twilio,
    suppressions,
    handler: sendSms({ sender, suppressions: suppressions.suppressions, from: '+15005550006' }),
  };
}

describe('send-sms by the SDK against the sandbox', () => {
  test('a message arrives as it was meant, with the segments that Twilio counts', async () => {
    const { twilio, handler } = await setup();
    const job = testJob();
    const result = await handler(doors, job.attempt());
    const [stored] = twilio.messages();
    expect(stored?.message).toMatchObject({ to: doors.to, from: '+15005550006', body: doors.body });
    expect(result).toMatchObject({ messageId: stored?.message.sid, segments: Number(stored?.message.num_segments) });
    expect(twilio.effects.count({ kind: 'sms', jobId: job.jobId })).toBe(1);
  });

  test('a receiver who has opted out is suppressed', async () => {
    const { twilio, suppressions, handler } = await setup();
    twilio.optedOut.add(doors.to);
    await expect(handler(doors, testJob().attempt())).rejects.toMatchObject({ code: 'opted_out' });
    expect(suppressions.added).toHaveLength(1);
  });

  test('a wrong token is an authentication failure', async () => {
    const { handler } = await setup('wrong');
    await expect(handler(doors, testJob().attempt())).rejects.toMatchObject({ code: 'provider_authentication_failed' });
  });

  test('an answer lost after the work is found again: one message', async () => {
    const { twilio, handler } = await setup();
    twilio.faults.add({ match: { method: 'POST' }, do: { kind: 'reset-after-work' } });
    const job = testJob();
    await expect(handler(doors, job.attempt(1))).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
    await expect(handler(doors, job.attempt(2))).resolves.toMatchObject({ status: 'queued' });
    expect(twilio.effects.count({ kind: 'sms', jobId: job.jobId })).toBe(1);
  });

  test('a request lost before the work is sent again: one message', async () => {
    const { twilio, handler } = await setup();
    twilio.faults.add({ match: { method: 'POST' }, do: { kind: 'reset' } });
    const job = testJob();
    await expect(handler(doors, job.attempt(1))).rejects.toMatchObject({ name: 'UnknownOutcomeError' });
    moveClock(60_000);
    await expect(handler(doors, job.attempt(2))).resolves.toMatchObject({ status: 'queued' });
    expect(twilio.effects.count({ kind: 'sms', jobId: job.jobId })).toBe(1);
  });

  test('through an outage: messages fail, then wait, then go out once each', async () => {
    const { twilio, handler } = await setup();
    const outage = twilio.faults.add({ do: { kind: 'status', status: 503 }, times: 'always' });
    const jobs = Array.from({ length: 5 }, (_, index) => ({
      job: testJob(),
      payload: payloadOf({ ...doors, to: `+4179123456${index}` }),
    }));
    const codes: unknown[] = [];
    for (const { job, payload } of jobs) {
      await handler(payload, job.attempt(1)).catch((error: { code: string }) => codes.push(error.code));
    }
    expect(codes).toEqual([...Array(3).fill('provider_error'), ...Array(2).fill('provider_unavailable')]);
    twilio.faults.remove(outage);
    moveClock(60_000);
    for (const { job, payload } of jobs) await handler(payload, job.attempt(2));
    expect(twilio.messages()).toHaveLength(5);
  });
});
