import { createHmac } from 'node:crypto';
import { Deliverer } from '../http/deliverer.ts';
import type { StoredMessage } from './message.ts';

/** Posts status callbacks, signed as Twilio signs them. */
export class StatusCallbacks {
  readonly deliverer = new Deliverer();
  readonly #authToken: string;

  constructor(authToken: string) {
    this.#authToken = authToken;
  }

  send({ message, statusCallback }: StoredMessage): void {
    if (statusCallback === null) return;
    const fields: Record<string, string> = {
      AccountSid: message.account_sid,
      ApiVersion: message.api_version,
      From: message.from ?? '',
      MessageSid: message.sid,
      MessageStatus: message.status,
      SmsSid: message.sid,
      SmsStatus: message.status,
      To: message.to,
      ...(message.messaging_service_sid === null ? {} : { MessagingServiceSid: message.messaging_service_sid }),
      ...(message.error_code === null ? {} : { ErrorCode: String(message.error_code) }),
    };
    this.deliverer.send({
      url: statusCallback,
      id: message.sid,
      type: message.status,
      body: new URLSearchParams(fields).toString(),
      headers: () => ({
        'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
        'User-Agent': 'TwilioProxy/1.1',
        'X-Twilio-Signature': sign(this.#authToken, statusCallback, fields),
      }),
    });
  }
}

/** https://www.twilio.com/docs/usage/security#validating-requests */
function sign(authToken: string, url: string, fields: Record<string, string>): string {
  const sorted = Object.keys(fields).toSorted();
  const text = url + sorted.map((name) => name + fields[name]).join('');
  return createHmac('sha1', authToken).update(text, 'utf8').digest('base64');
}
