import { setTimeout as delay } from 'node:timers/promises';

/** How the client passes time; tests hand in their own. */
export interface Timing {
  /** Milliseconds on a clock that only goes forward. */
  now(): number;
  /** In [0, 1). */
  random(): number;
  /** @throws the reason of the signal when it aborts */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const realTiming: Timing = {
  now: () => performance.now(),
  random: Math.random,
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};

/** Doubling from `baseMs` up to `maxMs`; half of it is random, so that producers do not come back in step. */
export function backoffMs(attempt: number, baseMs: number, maxMs: number, random: number): number {
  const full = Math.min(baseMs * 2 ** Math.min(attempt, 30), maxMs);
  return Math.round(full / 2 + (full / 2) * random);
}

/** Milliseconds that a `Retry-After` asks for: seconds or an HTTP date. */
export function retryAfterMs(header: string | null, wallClockMs: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - wallClockMs);
}
