import { WaitTimeoutError } from './errors.ts';
import { backoffMs, type Timing } from './pauses.ts';

export interface WaitOptions {
  /** Longest wait in milliseconds. Default 300,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What is polled, and how its end is told. */
export interface Waiting<Resource> {
  /** For the error: `Job`, `Flow`. */
  readonly what: string;
  readonly id: string;
  readonly poll: (signal: AbortSignal | undefined) => Promise<Resource>;
  readonly ended: (resource: Resource) => boolean;
  /** Waits to be told of the end: undefined when the connection was lost. @throws when there is none */
  readonly listen?: (signal: AbortSignal) => Promise<Resource | undefined>;
}

/** How often in vain a connection is asked for; from then on it polls. */
const MOST_REFUSALS = 3;
/** What a timer can be set to. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Listens where it can, else asks with growing pauses, until it has ended. @throws WaitTimeoutError, or the reason of the signal */
export async function waitUntilEnded<Resource>(
  { what, id, poll, ended, listen }: Waiting<Resource>,
  { timeoutMs = 300_000, signal }: WaitOptions,
  timing: Timing,
): Promise<Resource> {
  const deadline = timing.now() + timeoutMs;
  let refusals = 0;
  for (let asked = 0; ; asked += 1) {
    signal?.throwIfAborted();
    const listenMs = deadline - timing.now();
    if (listen !== undefined && refusals < MOST_REFUSALS && listenMs > 0) {
      const inTime = AbortSignal.timeout(Math.min(Math.ceil(listenMs), LONGEST_TIMER_MS));
      const told = await listen(signal === undefined ? inTime : AbortSignal.any([signal, inTime])).catch(() => {
        refusals += 1;
        return undefined;
      });
      if (told !== undefined) return told;
      signal?.throwIfAborted();
    }
    const resource = await poll(signal);
    if (ended(resource)) return resource;
    const leftMs = deadline - timing.now();
    if (leftMs <= 0) throw new WaitTimeoutError(what, id, timeoutMs);
    await timing.sleep(Math.min(leftMs, backoffMs(asked, 100, 3_000, timing.random())), signal);
  }
}
