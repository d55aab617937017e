/** What a simulator takes its time from; epoch milliseconds. */
export interface Clock {
  now(): number;
}

/**
 * A clock that runs with the wall clock and can be moved forward, so that "24 hours later" needs no waiting.
 * It never goes back: providers' objects would be created before their causes.
 */
export class SandboxClock implements Clock {
  #offsetMs: number;
  readonly #base: () => number;
  readonly #listeners = new Set<() => void>();

  /** @param base where time comes from before any advance; epoch milliseconds. */
  constructor(base: () => number = Date.now) {
    this.#base = base;
    this.#offsetMs = 0;
  }

  now(): number {
    return this.#base() + this.#offsetMs;
  }

  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Moves the clock forward and lets every simulator settle what has become due. */
  advance(ms: number): void {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`clock.advance: ms must be 0 or more, got ${ms}`);
    this.#offsetMs += ms;
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after every advance; the returned function stops that. */
  onAdvance(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
