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
}

/** Asks with growing pauses until it has ended. @throws WaitTimeoutError, or the reason of the signal */
export async function waitUntilEnded<Resource>(
  waiting: Waiting<Resource>,
  { timeoutMs = 300_000, signal }: WaitOptions,
  timing: Timing,
): Promise<Resource> {
  const deadline = timing.now() + timeoutMs;
  for (let asked = 0; ; asked += 1) {
    signal?.throwIfAborted();
    const resource = await waiting.poll(signal);
    if (waiting.ended(resource)) return resource;
    const leftMs = deadline - timing.now();
    if (leftMs <= 0) throw new WaitTimeoutError(waiting.what, waiting.id, timeoutMs);
    await timing.sleep(Math.min(leftMs, backoffMs(asked, 100, 3_000, timing.random())), signal);
  }
}
