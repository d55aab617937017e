import type { Router } from 'express';
import type { SandboxClock } from '../http/clock.ts';
import { type Effect, EffectLog } from '../http/effects.ts';
import { Faults } from '../http/faults.ts';
import type { Hosted } from '../http/host.ts';
import { IdSource } from '../http/ids.ts';
import { jobIdOfTag } from '../http/job-id.ts';
import type { Control, InboxEntry, ProviderOptions } from '../http/provider.ts';
import { header, type ProviderRequest, type Reply } from '../http/request.ts';
import { serve } from '../http/serve.ts';
import { decryptPush, newSubscription, type StoredSubscription } from './subscriptions.ts';
import { checkVapid } from './vapid.ts';

/** A `PushSubscription` as a browser gives it to its site. */
export interface PushSubscription {
  endpoint: string;
  expirationTime: null;
  keys: { p256dh: string; auth: string };
}

export interface ReceivedPush {
  id: string;
  subscription: string;
  /** Decrypted; null when the message had no body. */
  text: string | null;
  ttlSeconds: number;
  topic: string | null;
  urgency: string;
  /** Epoch milliseconds. */
  at: number;
  /** A later message with the same topic took its place before it was shown. */
  replaced: boolean;
}

/** Push services take no more than 4096 bytes: RFC 8030, 7.2. */
const MAX_BYTES = 4096;
const URGENCIES = ['very-low', 'low', 'normal', 'high'];

/** A push service (RFC 8030) and the browsers behind it, which decrypt what they get (RFC 8291). */
export class WebPushSimulator implements Hosted {
  readonly name = 'webpush';
  readonly faults = new Faults();
  readonly effects: EffectLog;
  readonly controls: Record<string, Control>;
  changed: () => void = () => {};
  #pushes: ReceivedPush[] = [];
  #origins: { plain: string; secure: string | undefined } = { plain: '', secure: undefined };
  readonly #clock: SandboxClock;
  readonly #ids: IdSource;
  readonly #subscriptions = new Map<string, StoredSubscription>();

  constructor(clock: SandboxClock, options: ProviderOptions = {}) {
    this.#clock = clock;
    this.#ids = new IdSource(options.seed);
    this.effects = new EffectLog(clock);
    this.controls = {
      createPushSubscription: (args) =>
        this.createPushSubscription(args as { applicationServerKey?: string; secure?: boolean }),
      expire: (args) => this.expire(String(args['endpoint'])),
      forget: (args) => this.forget(String(args['endpoint'])),
      pushes: () => ({ data: this.#pushes }),
    };
  }

  mount(router: Router): void {
    const served = { faults: this.faults, errorReply, changed: () => this.changed() };
    router.post(
      '/webpush/:id',
      serve(served, (request) => this.#push(request)),
    );
    router.get(
      '/webpush/messages/:id',
      serve(served, () => ({ status: 405 })),
    );
  }

  listening(url: string, secureUrl?: string): void {
    this.#origins = { plain: url, secure: secureUrl };
  }

  /**
   * A new browser subscribes.
   * @param options.applicationServerKey the VAPID public key that alone may send to it
   * @param options.secure an `https:` endpoint, which `webpush.sendNotification` needs. @throws RangeError without a certificate
   */
  createPushSubscription(options: { applicationServerKey?: string; secure?: boolean } = {}): PushSubscription {
    const origin = options.secure ? this.#origins.secure : this.#origins.plain;
    if (!origin)
      throw new RangeError(
        options.secure ? 'there is no HTTPS listener: give a certificate' : 'the server does not listen yet',
      );
    const subscription = newSubscription(this.#ids.token(32), options.applicationServerKey ?? null);
    this.#subscriptions.set(subscription.id, subscription);
    this.changed();
    return {
      endpoint: `${origin}/webpush/${subscription.id}`,
      expirationTime: null,
      keys: { p256dh: subscription.p256dh, auth: subscription.auth },
    };
  }

  /** The user withdrew it: 410 from now on. */
  expire(endpoint: string): void {
    this.#of(endpoint).state = 'expired';
    this.changed();
  }

  /** The push service knows it no more: 404 from now on. */
  forget(endpoint: string): void {
    this.#subscriptions.delete(this.#of(endpoint).id);
    this.changed();
  }

  /** Messages taken, oldest first. */
  pushes(): readonly ReceivedPush[] {
    return this.#pushes;
  }

  inbox(): InboxEntry[] {
    return this.#pushes.map((push) => ({
      section: 'Push messages (web)',
      at: push.at,
      title: titleOf(push.text),
      fields: {
        subscription: push.subscription,
        ttl: `${push.ttlSeconds} s`,
        ...(push.topic === null ? {} : { topic: push.topic }),
        ...(push.replaced ? { replaced: 'by a later message of this topic' } : {}),
      },
      ...(push.text === null ? {} : { text: push.text }),
    }));
  }

  snapshot(): unknown {
    return {
      pushes: this.#pushes,
      subscriptions: [...this.#subscriptions.values()],
      position: this.#ids.position,
      effects: this.effects.snapshot(),
    };
  }

  restore(snapshot: unknown): void {
    const saved = snapshot as {
      pushes: ReceivedPush[];
      subscriptions: StoredSubscription[];
      position: number;
      effects: Effect[];
    };
    this.#pushes = structuredClone(saved.pushes);
    for (const subscription of saved.subscriptions) this.#subscriptions.set(subscription.id, subscription);
    this.#ids.resumeAt(saved.position);
    this.effects.restore(saved.effects);
  }

  reset(): void {
    this.#pushes = [];
    this.#subscriptions.clear();
    this.effects.clear();
    this.faults.clear();
  }

  #of(endpoint: string): StoredSubscription {
    const subscription = this.#subscriptions.get(endpoint.split('/').at(-1) ?? '');
    if (!subscription) throw new RangeError('no subscription with this endpoint');
    return subscription;
  }

  async #push(request: ProviderRequest): Promise<Reply> {
    const subscription = this.#subscriptions.get(request.params['id'] ?? '');
    if (!subscription) return errorReply(404);
    if (subscription.state === 'expired') return errorReply(410);
    const refusal = await checkVapid(header(request, 'authorization'), {
      audiences: [this.#origins.plain, ...(this.#origins.secure ? [this.#origins.secure] : [])],
      applicationServerKey: subscription.applicationServerKey,
      // Senders sign with the wall clock, which the sandbox's may be ahead of.
      now: new Date(),
    });
    if (refusal) return { status: refusal.status, body: refusal.reason };
    const bad = badHeader(request);
    if (bad) return { status: 400, body: bad };
    if (request.body.length > MAX_BYTES) return errorReply(413);
    let text: string | null = null;
    try {
      text = request.body.length === 0 ? null : decryptPush(subscription, request.body);
    } catch {
      // A real push service would deliver it and the browser throw it away; a test must see it.
      return { status: 400, body: 'the body was not encrypted for this subscription' };
    }
    return this.#take(request, subscription.id, text);
  }

  #take(request: ProviderRequest, subscription: string, text: string | null): Reply {
    const topic = header(request, 'topic') ?? null;
    for (const push of this.#pushes) {
      if (topic !== null && push.topic === topic && push.subscription === subscription) push.replaced = true;
    }
    const id = this.#ids.token(22);
    const ttl = header(request, 'ttl') ?? '0';
    this.#pushes.push({
      id,
      subscription,
      text,
      ttlSeconds: Number(ttl),
      topic,
      urgency: header(request, 'urgency') ?? 'normal',
      at: this.#clock.now(),
      replaced: false,
    });
    this.effects.record({ kind: 'web_push', id, jobId: jobIdOf(text, topic), detail: { subscription } });
    return { status: 201, headers: { Location: `${this.#origins.plain}/webpush/messages/${id}`, TTL: ttl } };
  }
}

function badHeader(request: ProviderRequest): string | undefined {
  if (!/^\d+$/.test(header(request, 'ttl') ?? '')) return 'TTL is missing or no number of seconds';
  const topic = header(request, 'topic');
  if (topic !== undefined && !/^[\w-]{1,32}$/.test(topic))
    return 'Topic must be 1 to 32 characters of the URL-safe base64 alphabet';
  const urgency = header(request, 'urgency');
  if (urgency !== undefined && !URGENCIES.includes(urgency)) return `Urgency must be one of ${URGENCIES.join(', ')}`;
  if (request.body.length > 0 && header(request, 'content-encoding') !== 'aes128gcm')
    return 'Content-Encoding must be aes128gcm';
  return undefined;
}

function errorReply(status: number): Reply {
  const reasons: Record<number, string> = {
    404: 'no such subscription',
    410: 'the subscription has expired or was withdrawn',
    413: `the payload is larger than ${MAX_BYTES} bytes`,
    429: 'too many requests',
  };
  return {
    status,
    ...(status === 429 ? { headers: { 'Retry-After': '1' } } : {}),
    body: reasons[status] ?? 'push service error',
  };
}

function contentOf(text: string | null): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text ?? '{}');
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    // Any text is a valid push message.
    return {};
  }
}

function titleOf(text: string | null): string {
  const { title } = contentOf(text);
  return typeof title === 'string' ? title : '(no title)';
}

function jobIdOf(text: string | null, topic: string | null): string | null {
  const { data, tag } = contentOf(text);
  const named = typeof data === 'object' && data !== null ? (data as Record<string, unknown>)['job_id'] : undefined;
  return typeof named === 'string' ? named : (jobIdOfTag(tag) ?? jobIdOfTag(topic));
}
