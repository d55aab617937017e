import type { Logger } from '../logger/create-logger.ts';
import { within } from '../time/within.ts';

/** What a closer gets after the grace has run out, in ms: enough to hang up, not enough to wait for anybody. */
const LAST_CALL_MS = 500;

export interface Closer {
  readonly name: string;
  readonly close: () => unknown;
  /** Its own time limit in ms; at most what is left of the grace. */
  readonly timeoutMs: number;
}

/**
 * Runs closers in the order given, each within its time limit, all of them within `graceMs`. One that fails or hangs does not keep
 * the next from running; after the grace each still gets half a second, so that connections are closed and logs written.
 * Returns the names of those which failed or hung.
 */
export async function runClosers(closers: readonly Closer[], graceMs: number, log: Logger): Promise<string[]> {
  const deadlineMs = performance.now() + graceMs;
  const unfinished: string[] = [];
  for (const { name, close, timeoutMs } of closers) {
    const leftMs = Math.max(LAST_CALL_MS, deadlineMs - performance.now());
    const limitMs = Math.min(timeoutMs, leftMs);
    try {
      if (await within(limitMs, closed(close))) continue;
      log.error({ closer: name, limitMs: Math.round(limitMs) }, `Closing ${name} did not end in time`);
    } catch (error) {
      log.error({ err: error, closer: name }, `Closing ${name} failed`);
    }
    unfinished.push(name);
  }
  return unfinished;
}

async function closed(close: () => unknown): Promise<true> {
  await close();
  return true;
}
