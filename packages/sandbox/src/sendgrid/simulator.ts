import type { Router } from 'express';
import type { SandboxClock } from '../http/clock.ts';
import { type Effect, EffectLog } from '../http/effects.ts';
import { Faults } from '../http/faults.ts';
import type { Hosted } from '../http/host.ts';
import { IdSource } from '../http/ids.ts';
import type { Control, InboxEntry, ProviderOptions } from '../http/provider.ts';
import { RateWindow } from '../http/rate-window.ts';
import { header, type ProviderRequest, type Reply } from '../http/request.ts';
import { serve } from '../http/serve.ts';
import { sendgridControls } from './controls.ts';
import { EVENT_TYPES, EventWebhook, type EventWebhookOptions, type MailEventType } from './events.ts';
import { type MailAddress, type MailBody, type ReceivedMail, receiveMail } from './mail.ts';
import type { MailTemplate } from './templates.ts';
import { validateMail } from './validate.ts';

export interface SendgridOptions extends ProviderOptions {
  /** The only API key let in; default any that starts with `SG.`. */
  apiKey?: string;
  /** Dynamic templates by id, to show mails as their readers see them. */
  templates?: Record<string, MailTemplate>;
  /** Where events are posted. */
  webhook?: EventWebhookOptions;
  /** Reports every accepted mail as processed and delivered by itself. */
  autoDeliver?: boolean;
  /** Requests let in a minute of the sandbox clock; default 10,000. */
  requestsPerMinute?: number;
}

/** https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations */
const MAX_MAIL_BYTES = 30 * 1024 * 1024;
const SUPPRESSING: Partial<Record<MailEventType, string>> = {
  bounce: 'Bounced Address',
  spamreport: 'Spam Reporting Address',
  unsubscribe: 'Unsubscribed Address',
};

/** SendGrid's mail send API with an outbox, suppressions and the signed event webhook. */
export class SendgridSimulator implements Hosted {
  readonly name = 'sendgrid';
  readonly faults = new Faults();
  readonly effects: EffectLog;
  readonly events: EventWebhook;
  readonly templates = new Map<string, MailTemplate>();
  /** Addresses that mail is dropped for, with SendGrid's reason. */
  readonly suppressions = new Map<string, string>();
  readonly controls: Record<string, Control>;
  autoDeliver: boolean;
  changed: () => void = () => {};
  #mails: ReceivedMail[] = [];
  readonly #clock: SandboxClock;
  readonly #ids: IdSource;
  readonly #options: SendgridOptions;
  readonly #window: RateWindow;

  constructor(clock: SandboxClock, options: SendgridOptions = {}) {
    this.#clock = clock;
    this.#options = options;
    this.#ids = new IdSource(options.seed);
    this.#window = new RateWindow(clock, options.requestsPerMinute ?? 10_000);
    this.effects = new EffectLog(clock);
    this.events = new EventWebhook(this.#ids);
    this.autoDeliver = options.autoDeliver ?? false;
    for (const [id, template] of Object.entries(options.templates ?? {})) this.templates.set(id, template);
    if (options.webhook) this.events.add(options.webhook);
    this.controls = sendgridControls(this);
  }

  mount(router: Router): void {
    const served = {
      faults: this.faults,
      errorReply: (status: number) => this.#errorReply(status),
      changed: () => this.changed(),
    };
    router.post(
      '/v3/mail/send',
      serve(served, (request) => this.#send(request)),
    );
    router.all(
      '/v3/mail/send',
      serve(served, () => this.#errorReply(405)),
    );
  }

  /** Requests let in a minute. */
  set requestsPerMinute(limit: number) {
    this.#window.limit = limit;
  }

  /** Mails accepted, oldest first. */
  mails(): readonly ReceivedMail[] {
    return this.#mails;
  }

  /**
   * Something happens to a mail: the event goes to the webhooks; bounces, complaints and unsubscribes are suppressed.
   * @param mail its `messageId`, or the `job_id` in its custom arguments
   * @param fields what to change in the event, such as `{reason}`
   * @throws RangeError when there is no such mail
   */
  report(mail: string, event: MailEventType, fields: Record<string, unknown> = {}): void {
    if (!EVENT_TYPES.includes(event)) throw new RangeError(`no event ${event}; there are ${EVENT_TYPES.join(', ')}`);
    const found = this.#mails.find((item) => item.messageId === mail || item.customArgs['job_id'] === mail);
    if (!found) throw new RangeError(`no mail ${mail}`);
    const reason = SUPPRESSING[event];
    for (const email of found.to) {
      if (reason) this.suppressions.set(email.toLowerCase(), reason);
    }
    this.events.send(found.to.map((email) => this.events.make(found, email, event, this.#seconds(), fields)));
    this.changed();
  }

  inbox(): InboxEntry[] {
    return this.#mails.map((mail) => ({
      section: 'Mails',
      at: mail.at,
      title: mail.subject || '(no subject)',
      fields: {
        to: [...mail.to, ...mail.cc.map((email) => `cc ${email}`), ...mail.bcc.map((email) => `bcc ${email}`)].join(
          ', ',
        ),
        from: address(mail.from),
        ...(mail.templateId ? { template: mail.templateId, data: JSON.stringify(mail.templateData) } : {}),
        ...(mail.attachments.length > 0
          ? { attachments: mail.attachments.map((a) => `${a.filename} (${a.bytes} bytes)`).join(', ') }
          : {}),
        ...(mail.dropped.length > 0 ? { dropped: mail.dropped.join(', ') } : {}),
        ...mail.customArgs,
      },
      ...(mail.text ? { text: mail.text } : {}),
      ...(mail.html ? { html: mail.html } : {}),
    }));
  }

  snapshot(): unknown {
    return {
      mails: this.#mails,
      suppressions: [...this.suppressions],
      position: this.#ids.position,
      privateKey: this.events.privateKeyPem,
      effects: this.effects.snapshot(),
    };
  }

  restore(snapshot: unknown): void {
    const saved = snapshot as {
      mails: ReceivedMail[];
      suppressions: [string, string][];
      position: number;
      privateKey: string;
      effects: Effect[];
    };
    this.#mails = structuredClone(saved.mails);
    for (const [email, reason] of saved.suppressions) this.suppressions.set(email, reason);
    this.#ids.resumeAt(saved.position);
    this.events.usePrivateKey(saved.privateKey);
    this.effects.restore(saved.effects);
  }

  reset(): void {
    this.#mails = [];
    this.suppressions.clear();
    this.effects.clear();
    this.faults.clear();
    this.events.deliverer.clear();
  }

  async close(): Promise<void> {
    await this.events.deliverer.close();
  }

  #send(request: ProviderRequest): Reply {
    const token = /^Bearer (\S+)$/.exec(header(request, 'authorization') ?? '')?.[1] ?? '';
    if (this.#options.apiKey === undefined ? !token.startsWith('SG.') : token !== this.#options.apiKey)
      return this.#errorReply(401);
    if (!this.#window.take()) return this.#errorReply(429);
    if (request.body.length > MAX_MAIL_BYTES) return this.#errorReply(413);
    const body = parseJson(request.body);
    if (body === undefined)
      return {
        status: 400,
        headers: this.#limits(),
        body: { errors: [{ message: 'Bad Request', field: null, help: null }] },
      };
    const errors = validateMail(body);
    if (errors.length > 0) return { status: 400, headers: this.#limits(), body: { errors } };

    const mail = body as MailBody;
    // In sandbox mode SendGrid validates, answers 200 and sends nothing.
    if (mail.mail_settings?.sandbox_mode?.enable) return { status: 200, headers: this.#limits(), body: '' };
    const messageId = this.#ids.token(22);
    for (const [index, personalization] of mail.personalizations.entries()) {
      this.#accept(
        receiveMail(mail, personalization, {
          messageId,
          sgMessageId: `${messageId}.recvd-sandbox-${index}-0`,
          at: this.#clock.now(),
          template: this.templates.get(mail.template_id ?? ''),
          suppressed: (email) => this.suppressions.has(email.toLowerCase()),
        }),
      );
    }
    return { status: 202, headers: { ...this.#limits(), 'X-Message-Id': messageId }, body: '' };
  }

  #accept(mail: ReceivedMail): void {
    this.#mails.push(mail);
    const sent = mail.to.length > mail.dropped.length;
    this.effects.record({
      kind: sent ? 'mail' : 'dropped_mail',
      id: mail.sgMessageId,
      jobId: mail.customArgs['job_id'],
      detail: { to: mail.to, subject: mail.subject },
    });
    this.#tell(mail);
  }

  #tell(mail: ReceivedMail): void {
    const make = (email: string, event: MailEventType, fields?: Record<string, unknown>) =>
      this.events.make(mail, email, event, this.#seconds(), fields);
    const dropped = mail.dropped.map((email) =>
      make(email, 'dropped', { reason: this.suppressions.get(email.toLowerCase()) }),
    );
    if (dropped.length > 0) this.events.send(dropped);
    if (!this.autoDeliver) return;
    const received = mail.to.filter((email) => !mail.dropped.includes(email));
    if (received.length > 0)
      this.events.send(received.flatMap((email) => [make(email, 'processed'), make(email, 'delivered')]));
  }

  #errorReply(status: number): Reply {
    const messages: Record<number, string> = {
      401: 'The provided authorization grant is invalid, expired, or revoked',
      403: 'The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.',
      405: 'method not allowed',
      413: 'The JSON payload you have provided exceeds our size limitations.',
      429: 'too many requests',
      503: 'service unavailable',
    };
    const message = messages[status] ?? (status >= 500 ? 'internal server error' : 'Bad Request');
    return { status, headers: this.#limits(status === 429), body: { errors: [{ message, field: null, help: null }] } };
  }

  #limits(exhausted = false): Record<string, string> {
    return {
      'X-RateLimit-Limit': String(this.#window.limit),
      'X-RateLimit-Remaining': String(exhausted ? 0 : this.#window.remaining),
      'X-RateLimit-Reset': String(this.#window.resetsAtSeconds),
    };
  }

  #seconds(): number {
    return Math.floor(this.#clock.now() / 1000);
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // Answered as a 400 by the caller.
    return undefined;
  }
}

function address(value: MailAddress): string {
  return value.name ? `${value.name} <${value.email}>` : value.email;
}
