import { contracts, type JobInput, PermanentError, UnknownOutcomeError } from '@queue-service/contracts';
import { describe, expect, test } from 'vitest';
import type { FcmTarget, Push, PushReceipt, PushSender, WebPushTarget } from '../push/push.ts';
import { memorySuppressions } from '../testing/memory-suppressions.ts';
import { testJob } from '../testing/test-job.ts';
import { sendPush } from './send-push.ts';

const payloadOf = (input: JobInput<'send-push'>) => contracts['send-push'].payload.parse(input);
const endpoint = 'https://push.example.com/1';
const toBrowser = payloadOf({
  target: { kind: 'webpush', endpoint, keys: { p256dh: 'p', auth: 'a' } },
  title: 'Hi',
  body: 'there',
});
const toPhone = payloadOf({
  target: { kind: 'fcm', token: 'device-token' },
  title: 'Hi',
  body: 'there',
  data: { a: 'b' },
  ttlSeconds: 60,
});

function handlerWith(
  setup: { suppressions?: ReturnType<typeof memorySuppressions>; answer?: () => Promise<PushReceipt> } = {},
) {
  const sent: Push[] = [];
  const answer = setup.answer ?? (async () => ({ messageId: 'm-1' }));
  const webPush: PushSender<WebPushTarget> = {
    send: (push) => {
      sent.push(push);
      return answer();
    },
  };
  const fcm: PushSender<FcmTarget> = {
    send: (push) => {
      sent.push(push);
      return answer();
    },
  };
  const { suppressions } = setup.suppressions ?? memorySuppressions();
  return { sent, handler: sendPush({ webPush, fcm, suppressions }) };
}

const gone = () => Promise.reject(new PermanentError({ code: 'target_gone', message: 'gone' }));

describe('send-push', () => {
  test('goes to the browser or the phone, named after the job, with an end that does not depend on the try', async () => {
    const job = testJob();
    const { sent, handler } = handlerWith();
    expect(await handler(toPhone, job.attempt())).toEqual({
      messageId: 'm-1',
      channel: 'fcm',
      suppressed: false,
      suppressedReason: null,
    });
    expect(sent[0]).toMatchObject({
      target: { kind: 'fcm', token: 'device-token' },
      data: { a: 'b' },
      ttlSeconds: 60,
      tag: job.jobId.replaceAll('-', ''),
      expiresAt: Date.parse('2027-01-02T03:05:05Z') / 1_000,
    });
    expect(await handler(toBrowser, testJob().attempt())).toMatchObject({ channel: 'webpush' });
    expect(sent[1]).toMatchObject({ target: { kind: 'webpush' }, ttlSeconds: 86_400 });
  });

  test('an unknown outcome is repeated with the same message', async () => {
    let tries = 0;
    const { sent, handler } = handlerWith({
      answer: async () => {
        tries += 1;
        if (tries === 1) throw new UnknownOutcomeError({ code: 'provider_no_answer', message: 'silence' });
        return { messageId: 'm-1' };
      },
    });
    const job = testJob();
    await expect(handler(toPhone, job.attempt(1))).rejects.toBeInstanceOf(UnknownOutcomeError);
    await handler(toPhone, job.attempt(2));
    expect(sent[1]).toEqual(sent[0]);
  });

  test.each([
    ['browser', toBrowser, endpoint, 'webpush'],
    ['phone', toPhone, 'device-token', 'fcm'],
  ])('a %s that is gone is reported, and written to no more', async (_what, payload, address, source) => {
    const suppressions = memorySuppressions();
    const { handler } = handlerWith({ suppressions, answer: gone });
    await expect(handler(payload, testJob().attempt())).rejects.toMatchObject({ code: 'target_gone' });
    expect(suppressions.added).toEqual([['tenant-1', 'push', { address, reason: 'target_gone', source }]]);
  });

  test('sends nothing to who is suppressed', async () => {
    const { sent, handler } = handlerWith({
      suppressions: memorySuppressions({ push: { 'device-token': 'target_gone' } }),
    });
    const result = await handler(toPhone, testJob().attempt());
    expect(result).toEqual({ messageId: null, channel: 'fcm', suppressed: true, suppressedReason: 'target_gone' });
    expect(sent).toEqual([]);
  });
});
