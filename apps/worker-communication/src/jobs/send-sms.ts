import { PermanentError } from '@queue-service/contracts';
import type { Found, Handler, OpenEffect } from '@queue-service/queue';
import type { Suppressions } from '../suppressions.ts';
import type { Sms, SmsReceipt, SmsSender } from '../twilio/client.ts';
import { countSegments } from '../twilio/segments.ts';

export interface SendSmsParts {
  sender: SmsSender;
  suppressions: Suppressions;
  /** A number, a sender name or a messaging service, where the payload names none. */
  from: string;
  now?: () => number;
}

/** Twilio lists a message a moment after it took it: before this time its absence proves nothing. */
const listedAfterMs = 10_000;
/** Twilio keeps whole seconds, and its clock is not ours. */
const clockSkewMs = 60_000;

export function sendSms({ sender, suppressions, from, now = () => Date.now() }: SendSmsParts): Handler<'send-sms'> {
  return async (payload, ctx) => {
    const segments = countSegments(payload.body);
    const [suppressed] = await suppressions.check(ctx.tenantId, 'sms', [payload.to]);
    if (suppressed !== undefined) {
      return { messageId: null, status: 'suppressed', segments, suppressed: true, suppressedReason: suppressed.reason };
    }

    async function find(sms: Sms, open: OpenEffect): Promise<Found<SmsReceipt>> {
      const since = new Date(open.firstAttemptAt.getTime() - clockSkewMs);
      const receipt = await sender.find(sms, since, open.signal);
      if (receipt !== null) return { state: 'done', providerId: receipt.messageId, response: receipt };
      const settledAt = open.lastAttemptAt.getTime() + listedAfterMs;
      if (now() < settledAt) return { state: 'pending', retryAfterMs: settledAt - now() };
      if (payload.delivery !== 'at_most_once') return { state: 'absent_now' };
      return { state: 'unclear', reason: 'Twilio does not list the message, which is no proof that it was not sent' };
    }

    try {
      const { response } = await ctx.effect<Sms, SmsReceipt>('message', {
        provider: 'twilio',
        operation: 'messages.create',
        request: {
          to: payload.to,
          from: payload.from ?? from,
          body: payload.body,
          ids: { job_id: ctx.jobId, tenant_id: ctx.tenantId },
        },
        async send(sms, { signal }) {
          const receipt = await sender.send(sms, signal);
          return { providerId: receipt.messageId, response: receipt };
        },
        find,
      });
      return { ...response, segments, suppressed: false, suppressedReason: null };
    } catch (error) {
      if (error instanceof PermanentError && error.code === 'opted_out') {
        await suppressions.add(ctx.tenantId, 'sms', { address: payload.to, reason: 'opted_out', source: 'twilio' });
      }
      throw error;
    }
  };
}
