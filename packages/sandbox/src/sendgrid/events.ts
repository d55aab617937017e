import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Deliverer } from '../http/deliverer.ts';
import type { IdSource } from '../http/ids.ts';
import type { ReceivedMail } from './mail.ts';

export const EVENT_TYPES = [
  'processed',
  'delivered',
  'deferred',
  'bounce',
  'dropped',
  'open',
  'click',
  'spamreport',
  'unsubscribe',
  'group_unsubscribe',
] as const;
export type MailEventType = (typeof EVENT_TYPES)[number];

export interface EventWebhookOptions {
  url: string;
  attempts?: number;
  retryGapMs?: number;
}

/** One object of the event webhook's array. https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event */
export interface MailEvent {
  [field: string]: unknown;
  email: string;
  event: MailEventType;
  timestamp: number;
  sg_event_id: string;
  sg_message_id: string;
}

/** What SendGrid adds to an event of each kind. */
const DETAILS: Partial<Record<MailEventType, Record<string, unknown>>> = {
  delivered: { response: '250 2.0.0 OK' },
  deferred: { response: '400 try again later', attempt: '5' },
  bounce: {
    reason: '550 5.1.1 The email account that you tried to reach does not exist',
    status: '5.1.1',
    type: 'bounce',
    bounce_classification: 'Invalid Address',
  },
  dropped: { reason: 'Bounced Address', status: '5.0.0' },
  open: { useragent: 'Mozilla/5.0', ip: '192.0.2.1', sg_machine_open: false },
  click: { useragent: 'Mozilla/5.0', ip: '192.0.2.1', url: 'https://example.com/' },
};

/** Makes events and posts them, signed with ECDSA on P-256 as SendGrid's signed event webhook. */
export class EventWebhook {
  readonly deliverer = new Deliverer();
  readonly #ids: IdSource;
  #privateKey: KeyObject;
  #endpoints: EventWebhookOptions[] = [];

  constructor(ids: IdSource) {
    this.#ids = ids;
    this.#privateKey = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
  }

  /** The verification key as SendGrid shows it: base64 of the DER, without PEM lines. */
  get publicKey(): string {
    return createPublicKey(this.#privateKey).export({ type: 'spki', format: 'der' }).toString('base64');
  }

  /** PKCS #8 PEM, to keep the same key over restarts. */
  get privateKeyPem(): string {
    return this.#privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  usePrivateKey(pem: string): void {
    this.#privateKey = createPrivateKey(pem);
  }

  add(options: EventWebhookOptions): void {
    this.#endpoints.push(options);
  }

  removeAll(): void {
    this.#endpoints = [];
  }

  make(
    mail: ReceivedMail,
    email: string,
    event: MailEventType,
    seconds: number,
    fields: Record<string, unknown> = {},
  ): MailEvent {
    return {
      ...mail.customArgs,
      email,
      timestamp: seconds,
      'smtp-id': `<${mail.messageId}@sandbox.invalid>`,
      event,
      category: mail.categories,
      sg_event_id: this.#ids.token(22),
      sg_message_id: mail.sgMessageId,
      ...DETAILS[event],
      ...fields,
    };
  }

  /** Posts events in one request to each endpoint. */
  send(events: MailEvent[]): void {
    for (const endpoint of this.#endpoints) {
      const body = JSON.stringify(events);
      this.deliverer.send({
        url: endpoint.url,
        id: events.map((event) => event.sg_event_id).join(','),
        type: events.map((event) => event.event).join(','),
        body,
        headers: () => this.#signed(body),
        attempts: endpoint.attempts,
        retryGapMs: endpoint.retryGapMs,
      });
    }
  }

  #signed(body: string): Record<string, string> {
    const timestamp = String(Math.floor(Date.now() / 1000));
    return {
      'Content-Type': 'application/json',
      'User-Agent': 'SendGrid Event API',
      'X-Twilio-Email-Event-Webhook-Signature': sign(
        'sha256',
        Buffer.from(timestamp + body),
        this.#privateKey,
      ).toString('base64'),
      'X-Twilio-Email-Event-Webhook-Timestamp': timestamp,
    };
  }
}
