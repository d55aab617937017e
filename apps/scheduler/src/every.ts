import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats `work`, `pauseMs` after each end of it, until the signal aborts. `work` handles its own errors. */
export async function every(pauseMs: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await work();
    await sleep(pauseMs, undefined, { signal }).catch(() => {}); // Aborted: the loop ends.
  }
}
