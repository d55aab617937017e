import type { Clock } from './clock.ts';

const WINDOW_MS = 60_000;

/** Counts requests in fixed minutes, as providers report them in their rate limit headers. */
export class RateWindow {
  /** Requests let in a minute. */
  limit: number;
  readonly #clock: Clock;
  #minute = -1;
  #used = 0;

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.limit = limit;
  }

  /** Whether one more request is let in. */
  take(): boolean {
    this.#roll();
    if (this.#used >= this.limit) return false;
    this.#used++;
    return true;
  }

  get remaining(): number {
    this.#roll();
    return Math.max(0, this.limit - this.#used);
  }

  get resetsAtSeconds(): number {
    this.#roll();
    return ((this.#minute + 1) * WINDOW_MS) / 1000;
  }

  #roll(): void {
    const minute = Math.floor(this.#clock.now() / WINDOW_MS);
    if (minute === this.#minute) return;
    this.#minute = minute;
    this.#used = 0;
  }
}
