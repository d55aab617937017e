import type { Router } from 'express';
import type { SandboxClock } from '../http/clock.ts';
import { type Effect, EffectLog } from '../http/effects.ts';
import { Faults } from '../http/faults.ts';
import type { Hosted } from '../http/host.ts';
import { IdSource } from '../http/ids.ts';
import type { Control, InboxEntry, ProviderOptions } from '../http/provider.ts';
import { header, type ProviderRequest, type Reply } from '../http/request.ts';
import { serve, type Work } from '../http/serve.ts';
import { errorByStatus, MAGIC_RECIPIENTS, twilioError } from './errors.ts';
import { MESSAGE_STATUSES, type MessageStatus, rfc2822, type StoredMessage } from './message.ts';
import { listMessages } from './message-list.ts';
import { countSegments } from './segments.ts';
import { StatusCallbacks } from './status-callbacks.ts';

export interface TwilioOptions extends ProviderOptions {
  /** Default `AC` and 32 zeros. */
  accountSid?: string;
  /** Checks requests and signs callbacks; default `sandbox-auth-token`. */
  authToken?: string;
  /** Reports every message as sent and delivered by itself. */
  autoDeliver?: boolean;
}

const MAX_BODY = 1600;
const E164 = /^\+[1-9]\d{7,14}$/;
/** A phone number, a short code, or an alphanumeric sender. */
const SENDER = /^(\+[1-9]\d{7,14}|\d{3,6}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11})$/;
/** Twilio never goes back from these. */
const FINAL: readonly MessageStatus[] = ['delivered', 'undelivered', 'failed', 'read', 'canceled'];

/** Twilio's Messages with opt-outs and signed status callbacks. */
export class TwilioSimulator implements Hosted {
  readonly name = 'twilio';
  readonly faults = new Faults();
  readonly effects: EffectLog;
  readonly accountSid: string;
  readonly authToken: string;
  readonly callbacks: StatusCallbacks;
  /** Numbers that answered STOP. */
  readonly optedOut = new Set<string>();
  readonly controls: Record<string, Control>;
  autoDeliver: boolean;
  changed: () => void = () => {};
  #messages: StoredMessage[] = [];
  readonly #clock: SandboxClock;
  readonly #ids: IdSource;

  constructor(clock: SandboxClock, options: TwilioOptions = {}) {
    this.#clock = clock;
    this.#ids = new IdSource(options.seed);
    this.effects = new EffectLog(clock);
    this.accountSid = options.accountSid ?? `AC${'0'.repeat(32)}`;
    this.authToken = options.authToken ?? 'sandbox-auth-token';
    this.autoDeliver = options.autoDeliver ?? false;
    this.callbacks = new StatusCallbacks(this.authToken);
    this.controls = {
      messages: () => ({ data: this.#messages.map(({ message }) => message) }),
      report: (args) =>
        this.report(String(args['sid']), args['status'] as MessageStatus, args['errorCode'] as number | undefined),
      optOut: (args) => void this.optedOut.add(String(args['number'])),
      optIn: (args) => void this.optedOut.delete(String(args['number'])),
      callbackDeliveries: () => ({ data: this.callbacks.deliverer.deliveries() }),
      settings: (args) => {
        this.autoDeliver = Boolean(args['autoDeliver'] ?? this.autoDeliver);
      },
    };
  }

  mount(router: Router): void {
    const served = { faults: this.faults, errorReply: errorByStatus, changed: () => this.changed() };
    const guarded = (work: Work) => serve(served, (request) => this.#refuse(request) ?? work(request));
    const base = '/2010-04-01/Accounts/:account';
    router.post(
      `${base}/Messages.json`,
      guarded((request) => this.#create(request)),
    );
    router.get(
      `${base}/Messages.json`,
      guarded((request) => this.#list(request)),
    );
    router.get(
      `${base}/Messages/:sid.json`,
      guarded((request) => this.#retrieve(request)),
    );
    router.all(
      /^\/2010-04-01\//,
      guarded((request) => notFound(request.path)),
    );
  }

  /** Messages accepted, oldest first. */
  messages(): readonly StoredMessage[] {
    return this.#messages;
  }

  /**
   * A message moves on; its callback is sent.
   * @param errorCode such as 30003 (unreachable) for `undelivered`
   * @throws RangeError for an unknown message or status, or one that has ended
   */
  report(sid: string, status: MessageStatus, errorCode?: number): void {
    const stored = this.#messages.find((item) => item.message.sid === sid);
    if (!stored) throw new RangeError(`no message ${sid}`);
    if (!MESSAGE_STATUSES.includes(status))
      throw new RangeError(`no status ${status}; there are ${MESSAGE_STATUSES.join(', ')}`);
    if (FINAL.includes(stored.message.status) && status !== 'read')
      throw new RangeError(`${sid} has ended as ${stored.message.status}`);
    this.#move(stored, status, errorCode);
    this.changed();
  }

  inbox(): InboxEntry[] {
    return this.#messages.map(({ message, createdAt }) => ({
      section: 'Text messages',
      at: createdAt,
      title: `${message.to} ${message.status}`,
      fields: {
        from: message.from ?? message.messaging_service_sid ?? '',
        segments: message.num_segments,
        sid: message.sid,
        ...(message.error_code === null ? {} : { error: String(message.error_code) }),
      },
      text: message.body,
    }));
  }

  snapshot(): unknown {
    return {
      messages: this.#messages,
      optedOut: [...this.optedOut],
      position: this.#ids.position,
      effects: this.effects.snapshot(),
    };
  }

  restore(snapshot: unknown): void {
    const saved = snapshot as { messages: StoredMessage[]; optedOut: string[]; position: number; effects: Effect[] };
    this.#messages = structuredClone(saved.messages);
    for (const number of saved.optedOut) this.optedOut.add(number);
    this.#ids.resumeAt(saved.position);
    this.effects.restore(saved.effects);
  }

  reset(): void {
    this.#messages = [];
    this.optedOut.clear();
    this.effects.clear();
    this.faults.clear();
    this.callbacks.deliverer.clear();
  }

  async close(): Promise<void> {
    await this.callbacks.deliverer.close();
  }

  #refuse(request: ProviderRequest): Reply | undefined {
    const [, encoded = ''] = /^Basic (\S+)$/.exec(header(request, 'authorization') ?? '') ?? [];
    const [user, password] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
    if (user !== this.accountSid || password !== this.authToken) return errorByStatus(401);
    return request.params['account'] === undefined || request.params['account'] === this.accountSid
      ? undefined
      : notFound(request.path);
  }

  #create(request: ProviderRequest): Reply {
    const form = new URLSearchParams(request.body.toString('utf8'));
    const to = form.get('To') ?? '';
    const from = form.get('From');
    const service = form.get('MessagingServiceSid');
    const body = form.get('Body') ?? '';
    const refusal = this.#refusal(to, from, service, body);
    if (refusal) return refusal;

    const now = this.#clock.now();
    const sid = `SM${this.#ids.hex(32)}`;
    const uri = `/2010-04-01/Accounts/${this.accountSid}/Messages/${sid}`;
    const stored: StoredMessage = {
      message: {
        account_sid: this.accountSid,
        api_version: '2010-04-01',
        body,
        date_created: rfc2822(now),
        date_sent: null,
        date_updated: rfc2822(now),
        direction: 'outbound-api',
        error_code: null,
        error_message: null,
        from,
        messaging_service_sid: service,
        num_media: '0',
        // A messaging service chooses the sender, and with it the segments, later.
        num_segments: service === null ? String(countSegments(body)) : '0',
        price: null,
        price_unit: service === null ? 'USD' : null,
        sid,
        status: service === null ? 'queued' : 'accepted',
        subresource_uris: { media: `${uri}/Media.json` },
        to,
        uri: `${uri}.json`,
      },
      createdAt: now,
      sentAt: null,
      statusCallback: form.get('StatusCallback'),
    };
    this.#messages.push(stored);
    this.effects.record({ kind: 'sms', id: sid, jobId: jobIdOf(stored.statusCallback), detail: { to } });
    const answer = structuredClone(stored.message);
    if (this.autoDeliver) {
      this.#move(stored, 'sent');
      this.#move(stored, 'delivered');
    }
    return { status: 201, body: answer };
  }

  #refusal(to: string, from: string | null, service: string | null, body: string): Reply | undefined {
    if (to === '') return twilioError(400, 21604, "A 'To' phone number is required.");
    if (MAGIC_RECIPIENTS[to]) return MAGIC_RECIPIENTS[to];
    if (!E164.test(to)) return twilioError(400, 21211, `Invalid 'To' Phone Number: ${to.slice(0, -4)}XXXX`);
    if (service === null && from === null) return twilioError(400, 21603, "A 'From' phone number is required.");
    if (service !== null && !/^MG[0-9a-f]{32}$/i.test(service))
      return twilioError(400, 21701, 'The Messaging Service does not exist');
    if (service === null && from !== null && !SENDER.test(from)) {
      return twilioError(
        400,
        21212,
        `The 'From' number ${from} is not a valid phone number, shortcode, or alphanumeric sender ID.`,
      );
    }
    if (body === '') return twilioError(400, 21602, 'Message body is required.');
    if (body.length > MAX_BODY) {
      return twilioError(400, 21617, 'The concatenated message body exceeds the 1600 character limit');
    }
    if (this.optedOut.has(to)) return twilioError(400, 21610, 'Attempt to send to unsubscribed recipient');
    return undefined;
  }

  #list(request: ProviderRequest): Reply {
    return { status: 200, body: listMessages(this.#messages, request.query, request.path) };
  }

  #retrieve(request: ProviderRequest): Reply {
    const found = this.#messages.find(({ message }) => message.sid === request.params['sid']);
    return found ? { status: 200, body: found.message } : notFound(request.path);
  }

  #move(stored: StoredMessage, status: MessageStatus, errorCode?: number): void {
    const now = this.#clock.now();
    const { message } = stored;
    message.status = status;
    message.date_updated = rfc2822(now);
    if (status !== 'failed' && status !== 'canceled' && stored.sentAt === null) {
      stored.sentAt = now;
      message.date_sent = rfc2822(now);
      message.num_segments = String(countSegments(message.body));
      message.price_unit = 'USD';
    }
    message.error_code = errorCode ?? null;
    this.callbacks.send(stored);
  }
}

function notFound(path: string): Reply {
  return twilioError(404, 20404, `The requested resource ${path} was not found`);
}

/** Messages carry no metadata; this service puts the job's id into the callback's query. */
function jobIdOf(statusCallback: string | null): string | null {
  if (statusCallback === null || !URL.canParse(statusCallback)) return null;
  return new URL(statusCallback).searchParams.get('job_id');
}
