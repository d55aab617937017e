import type { Secret } from '@queue-service/observability';
import { twilioCallbackUrl } from '@queue-service/providers';
import twilio from 'twilio';
import type { Circuit } from '../circuit.ts';
import { twilioError, twilioReadError } from './errors.ts';
import { TwilioHttpClient } from './http-client.ts';

export interface TwilioOptions {
  accountSid: string;
  authToken: Secret;
  /** Twilio's own where not given. */
  baseUrl?: string | undefined;
  /** Where Twilio tells what becomes of a message; its ids are appended as a query. */
  statusCallbackUrl?: string | undefined;
  timeoutMs: number;
  circuit: Circuit;
}

/** A message as it is stored with its effect. */
export type Sms = {
  to: string;
  /** A number, a sender name, or a messaging service (`MG…`) that chooses. */
  from: string;
  body: string;
  /** Come back with the status callback, and lead to the job. */
  ids: { job_id: string; tenant_id: string };
};

/** What Twilio knows of a message. */
export type SmsReceipt = { messageId: string; status: string };

export interface SmsSender {
  /** @throws PermanentError, RetryableError, RateLimitedError, UnknownOutcomeError */
  send(sms: Sms, signal: AbortSignal): Promise<SmsReceipt>;
  /**
   * A message like this one that was created since then; null when there is none.
   * @throws PermanentError, RetryableError, RateLimitedError
   */
  find(sms: Sms, since: Date, signal: AbortSignal): Promise<SmsReceipt | null>;
}

/** Latest messages to one number that are looked through: far more than one job's tries can be. */
const searched = 50;

/** Text messages by Twilio. */
export function createTwilioSender(options: TwilioOptions): SmsSender {
  const { accountSid, authToken, baseUrl, statusCallbackUrl, timeoutMs, circuit } = options;
  const http = new TwilioHttpClient({ baseUrl, timeoutMs });
  const client = twilio(accountSid, authToken.reveal(), { httpClient: http, lazyLoading: true });

  return {
    send: (sms, signal) =>
      circuit.run(signal, async () => {
        try {
          const message = await http.within(signal, () =>
            client.messages.create({
              to: sms.to,
              body: sms.body,
              ...(isService(sms.from) ? { messagingServiceSid: sms.from } : { from: sms.from }),
              ...(statusCallbackUrl !== undefined && { statusCallback: twilioCallbackUrl(statusCallbackUrl, sms.ids) }),
            }),
          );
          return { messageId: message.sid, status: message.status };
        } catch (error) {
          throw twilioError(error);
        }
      }),

    find: (sms, since, signal) =>
      circuit.run(signal, async () => {
        try {
          // Not by `dateSentAfter`: a message that still waits at Twilio has no date of sending.
          const messages = await http.within(signal, () => client.messages.list({ to: sms.to, limit: searched }));
          const mine = messages.find(
            (message) =>
              message.body === sms.body &&
              message.dateCreated >= since &&
              (isService(sms.from) ? message.messagingServiceSid === sms.from : message.from === sms.from),
          );
          return mine === undefined ? null : { messageId: mine.sid, status: mine.status };
        } catch (error) {
          throw twilioReadError(error);
        }
      }),
  };
}

function isService(from: string): boolean {
  return from.startsWith('MG');
}
