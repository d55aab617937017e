import { createHmac } from 'node:crypto';
import { Deliverer, type WebhookDelivery } from '../http/deliverer.ts';
import { seededRandom } from '../http/ids.ts';
import type { Event } from './objects.ts';

export interface WebhookEndpointOptions {
  url: string;
  /** Signing secret, `whsec_…`. */
  secret: string;
  /** Event types sent; default all. `charge.*` takes a group. */
  events?: string[];
  /** Extra deliveries of every event. */
  duplicates?: number;
  /** Wait before each delivery, in ms. */
  delayMs?: number;
  /** Waits a random part of `delayMs` instead, so events overtake each other. */
  reorder?: boolean;
  /** Seed of the random waits. */
  seed?: number;
  /** Tries of one delivery that is not answered 2xx; default 5. */
  attempts?: number;
  /** Wait before the second try, doubled for each further one, in ms; default 200. */
  retryGapMs?: number;
}

interface Endpoint {
  options: WebhookEndpointOptions;
  random: () => number;
}

/** Sends events to the configured endpoints, signed as Stripe signs them. */
export class Webhooks {
  #endpoints: Endpoint[] = [];
  #held: Event[] | undefined;
  readonly #deliverer = new Deliverer();

  /** Sends all events from now on to one more URL. */
  add(options: WebhookEndpointOptions): void {
    this.#endpoints.push({ options, random: seededRandom(options.seed ?? 1) });
  }

  removeAll(): void {
    this.#endpoints = [];
  }

  get count(): number {
    return this.#endpoints.length;
  }

  /** Every try, oldest first. */
  deliveries(): readonly WebhookDelivery[] {
    return this.#deliverer.deliveries();
  }

  /** Keeps events back until `release`. */
  hold(): void {
    this.#held ??= [];
  }

  /** Sends what was held back, one after the other, in the order asked for. @returns how many there were */
  async release(order: 'forward' | 'backward' = 'forward'): Promise<number> {
    const events = this.#held ?? [];
    this.#held = undefined;
    for (const event of order === 'forward' ? events : events.toReversed()) {
      this.send(event);
      await this.settled();
    }
    return events.length;
  }

  /** Sends an event to all endpoints that want it. */
  send(event: Event): void {
    if (this.#held) {
      this.#held.push(event);
      return;
    }
    for (const endpoint of this.#endpoints) {
      if (!wants(endpoint.options, event.type)) continue;
      for (let copy = 0; copy <= (endpoint.options.duplicates ?? 0); copy++) this.#deliver(endpoint, event);
    }
  }

  /** Resolves when no delivery is under way. */
  settled(): Promise<void> {
    return this.#deliverer.settled();
  }

  close(): Promise<void> {
    return this.#deliverer.close();
  }

  #deliver({ options, random }: Endpoint, event: Event): void {
    const body = JSON.stringify(event, null, 2);
    this.#deliverer.send({
      url: options.url,
      id: event.id,
      type: event.type,
      body,
      headers: () => ({
        'Content-Type': 'application/json; charset=utf-8',
        'User-Agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        'Stripe-Signature': signature(body, options.secret),
      }),
      waitMs: (options.delayMs ?? 0) * (options.reorder ? random() : 1),
      attempts: options.attempts,
      retryGapMs: options.retryGapMs,
    });
  }
}

/**
 * The `Stripe-Signature` header. Its time is the wall clock's, not the sandbox's: receivers compare it with theirs.
 * https://docs.stripe.com/webhooks#verify-manually
 */
function signature(payload: string, secret: string): string {
  const timestamp = Math.floor(Date.now() / 1000);
  const digest = createHmac('sha256', secret).update(`${timestamp}.${payload}`).digest('hex');
  return `t=${timestamp},v1=${digest}`;
}

function wants(options: WebhookEndpointOptions, type: string): boolean {
  if (options.events === undefined) return true;
  return options.events.some((wanted) =>
    wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : wanted === type,
  );
}
