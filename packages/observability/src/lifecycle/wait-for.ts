import type { Logger } from '../logger/create-logger.ts';
import { pause } from '../time/pause.ts';
import { within } from '../time/within.ts';

export interface WaitForOptions {
  /** What is waited for, as the log names it. */
  readonly name: string;
  /** Rejects while the dependency is away. Bounded by `checkTimeoutMs`. */
  readonly check: (signal: AbortSignal) => Promise<unknown>;
  readonly log: Logger;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Pause after the first failure, in ms; it doubles up to `maxDelayMs`. Default 200. */
  readonly initialDelayMs?: number | undefined;
  /** Default 5000. */
  readonly maxDelayMs?: number | undefined;
  /** Default 5000. */
  readonly checkTimeoutMs?: number | undefined;
}

const SAY_SO_EVERY_MS = 10_000;

/**
 * Waits until a dependency is there. Processes start in any order, and one that exits because its database is not up yet only
 * turns a wait into a crash loop. The log says at once what is waited for and why, and again every ten seconds or so.
 *
 * @throws the signal's reason when it aborts.
 */
export async function waitFor(options: WaitForOptions): Promise<void> {
  const { name, log, signal, initialDelayMs = 200, maxDelayMs = 5_000 } = options;
  const startedMs = performance.now();
  let saidMs: number | undefined;
  for (let delayMs = initialDelayMs; ; delayMs = Math.min(delayMs * 2, maxDelayMs)) {
    signal.throwIfAborted();
    const failure = await attempt(options);
    signal.throwIfAborted();
    const nowMs = performance.now();
    const waitedMs = Math.round(nowMs - startedMs);
    if (!failure) {
      if (saidMs !== undefined) log.info({ dependency: name, waitedMs }, `${name} is there`);
      return;
    }
    if (saidMs === undefined || nowMs - saidMs >= SAY_SO_EVERY_MS) {
      log.warn({ dependency: name, waitedMs, err: failure.reason }, `Waiting for ${name}`);
      saidMs = nowMs;
    }
    await pause(delayMs, signal);
  }
}

/** Undefined if the check passed. */
async function attempt(options: WaitForOptions): Promise<{ reason: unknown } | undefined> {
  const { check, signal, checkTimeoutMs = 5_000 } = options;
  const abort = new AbortController();
  try {
    const passed = await within(checkTimeoutMs, passedOf(check, AbortSignal.any([signal, abort.signal])));
    if (passed) return undefined;
    abort.abort();
    return { reason: new Error(`No answer within ${checkTimeoutMs} ms`) };
  } catch (reason) {
    return { reason };
  }
}

async function passedOf(check: (signal: AbortSignal) => Promise<unknown>, signal: AbortSignal): Promise<true> {
  await check(signal);
  return true;
}
