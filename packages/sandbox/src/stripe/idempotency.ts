import type { Clock } from '../http/clock.ts';
import { StripeFailure } from './errors.ts';

/** Stripe "removes keys once they're at least 24 hours old"; after that the same key is a new request. */
const KEPT_MS = 24 * 60 * 60 * 1000;
const KEY_LENGTH = 255;

export interface SavedAnswer {
  /** Account and key. */
  scope: string;
  path: string;
  /** Canonical form of the parameters. */
  params: string;
  status: number;
  body: unknown;
  requestId: string;
  at: number;
}

export interface KeyedRequest {
  account: string;
  key: string;
  path: string;
  params: string;
}

/** Which answers Stripe repeats, and which repeats it refuses. https://docs.stripe.com/api/idempotent_requests */
export class IdempotencyKeys {
  readonly #clock: Clock;
  readonly #saved = new Map<string, SavedAnswer>();
  readonly #running = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Takes the key for a run, or returns the answer saved under it.
   * @throws StripeFailure 400 when the key was first used with another path or other parameters, 409 while it is in use.
   */
  begin(request: KeyedRequest): SavedAnswer | undefined {
    if (request.key.length > KEY_LENGTH) {
      throw new StripeFailure(
        400,
        { type: 'idempotency_error', message: `Idempotency keys can be at most ${KEY_LENGTH} characters long.` },
        { saved: false },
      );
    }
    const scope = scopeOf(request);
    const saved = this.#saved.get(scope);
    if (saved && this.#clock.now() - saved.at < KEPT_MS) {
      if (saved.path !== request.path) throw otherEndpoint(request, saved.path);
      if (saved.params !== request.params) throw otherParameters(request.key);
      return saved;
    }
    this.#saved.delete(scope);
    if (this.#running.has(scope)) throw inUse(request.key);
    this.#running.add(scope);
    return undefined;
  }

  /** Keeps what the endpoint answered. */
  save(request: KeyedRequest, answer: { status: number; body: unknown; requestId: string }): void {
    const scope = scopeOf(request);
    this.#saved.set(scope, {
      scope,
      path: request.path,
      params: request.params,
      status: answer.status,
      body: structuredClone(answer.body),
      requestId: answer.requestId,
      at: this.#clock.now(),
    });
  }

  /** Gives the key back after a run, saved or not. */
  end(request: KeyedRequest): void {
    this.#running.delete(scopeOf(request));
  }

  clear(): void {
    this.#saved.clear();
  }

  snapshot(): SavedAnswer[] {
    return [...this.#saved.values()];
  }

  restore(answers: SavedAnswer[]): void {
    this.#saved.clear();
    for (const answer of answers) this.#saved.set(answer.scope, answer);
  }
}

function scopeOf(request: KeyedRequest): string {
  return `${request.account}\n${request.key}`;
}

function otherParameters(key: string): StripeFailure {
  return new StripeFailure(
    400,
    {
      type: 'idempotency_error',
      message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
    },
    { saved: false },
  );
}

function otherEndpoint(request: KeyedRequest, first: string): StripeFailure {
  return new StripeFailure(
    400,
    {
      type: 'idempotency_error',
      message: `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${request.path}' vs '${first}'). Try using a key other than '${request.key}' if you meant to execute a different request.`,
    },
    { saved: false },
  );
}

function inUse(key: string): StripeFailure {
  return new StripeFailure(
    409,
    {
      type: 'idempotency_error',
      code: 'idempotency_key_in_use',
      message: `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
    },
    { saved: false, headers: { 'Stripe-Should-Retry': 'true' } },
  );
}
