import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Principal } from './principal.ts';

const MOST_TOKENS = 10_000;

interface Known {
  principal: Principal;
  untilMs: number;
}

/**
 * Remembers whom a checked token speaks for, so that its signature is checked once and not at every request. Keyed by a
 * hash: a memory dump gives no usable tokens. Holds the 10,000 tokens used last.
 */
export class TokenCache {
  readonly #known = new LRUCache<string, Known>({ max: MOST_TOKENS });
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  find(token: string): Principal | undefined {
    const key = keyOf(token);
    const known = this.#known.get(key);
    if (known === undefined) return undefined;
    if (this.#nowMs() < known.untilMs) return known.principal;
    this.#known.delete(key);
    return undefined;
  }

  /** @param untilMs since the epoch; never later than the token's `exp` */
  remember(token: string, principal: Principal, untilMs: number): void {
    this.#known.set(keyOf(token), { principal, untilMs });
  }
}

function keyOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
