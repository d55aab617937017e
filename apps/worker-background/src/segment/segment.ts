import { JobError, UnknownOutcomeError } from '@queue-service/contracts';
import { Analytics, type Context, type TrackParams } from '@segment/analytics-node';
import { type CircuitStateName, createBatchClient } from './batch-client.ts';
import { BatchRefusedError, errorOfSdk } from './errors.ts';

export type SegmentEvent = TrackParams & { messageId: string };

/** Events to Segment, in batches. */
export interface Segment {
  /**
   * Resolves when Segment has accepted the batch that the event went with.
   * @throws PermanentError, RateLimitedError, RetryableError, UnknownOutcomeError; the signal's reason
   */
  track(event: SegmentEvent, signal: AbortSignal): Promise<void>;
  /** Sends what was handed over, and takes no more. Gives up after `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

export interface SegmentOptions {
  writeKey: string;
  /** Default: Segment's own. */
  host?: string | undefined;
  /** Events that are waited for before a batch leaves: as many as jobs run at once, since no more can come. */
  maxBatch: number;
  /** How long a batch that is not full waits for more, in milliseconds. Default 100. */
  flushIntervalMs?: number;
  /** Default 10 s. */
  requestTimeoutMs?: number;
  /** Failed batches in a row after which none is sent for `openMs`. Defaults 3 and 30 s. */
  failures?: number;
  openMs?: number;
  now?: () => number;
  /** Hears when batches stop being sent, and when they are again. */
  onCircuit?: (state: CircuitStateName) => void;
}

/** Segment takes no more at once: 500 KB a batch, 32 KB an event. The SDK sees to the bytes. */
const mostInBatch = 500;

export function openSegment(options: SegmentOptions): Segment {
  const httpClient = createBatchClient({
    failures: options.failures ?? 3,
    openMs: options.openMs ?? 30_000,
    now: options.now ?? Date.now,
    onCircuit: options.onCircuit ?? (() => undefined),
  });
  const open = (flushAt: number) =>
    createTracker(
      new Analytics({
        writeKey: options.writeKey,
        ...(options.host === undefined ? {} : { host: options.host }),
        flushAt,
        flushInterval: options.flushIntervalMs ?? 100,
        httpRequestTimeout: options.requestTimeoutMs ?? 10_000,
        // A failed batch goes back to the queue, where it survives this process.
        maxRetries: 0,
        httpClient,
      }),
    );
  const batched = open(Math.min(Math.max(options.maxBatch, 1), mostInBatch));
  const alone = open(1);

  return {
    track: async (event, signal) => {
      try {
        await batched.track(event, signal);
      } catch (error) {
        if (!(error instanceof BatchRefusedError)) throw error;
        // One event spoils a batch: each gets its own answer, so that the others are not refused with it.
        await alone.track(event, signal);
      }
    },
    close: async (timeoutMs) => {
      await Promise.all([batched.close(timeoutMs), alone.close(timeoutMs)]);
    },
  };
}

/**
 * Tells the fate of each event. By the SDK's own events and not by its callbacks, which it delays by 300 ms: a job holds
 * its slot of the worker for that time.
 */
function createTracker(analytics: Analytics) {
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const settle = (context: Context | undefined, error: unknown) => {
    const id = context?.event.messageId;
    const pending = id === undefined ? undefined : waiting.get(id);
    if (id === undefined || pending === undefined) return;
    waiting.delete(id);
    if (error === undefined) pending.resolve();
    else pending.reject(error instanceof JobError || error instanceof BatchRefusedError ? error : errorOfSdk(error));
  };
  analytics.on('track', (context) => settle(context, undefined));
  analytics.on('error', (failure) => settle(failure.ctx, failure.reason ?? new Error(failure.code)));
  analytics.on('call_after_close', (event) => {
    waiting
      .get(event.messageId ?? '')
      ?.reject(new UnknownOutcomeError({ code: 'provider_unavailable', message: 'The worker is closing' }));
  });

  return {
    track: async (event: SegmentEvent, signal: AbortSignal): Promise<void> => {
      signal.throwIfAborted();
      let pending = waiting.get(event.messageId);
      if (pending === undefined) {
        pending = Promise.withResolvers<void>();
        pending.promise.catch(() => undefined);
        waiting.set(event.messageId, pending);
        analytics.track(event);
      }
      await orAborted(pending.promise, signal);
    },
    close: (timeout: number) => analytics.closeAndFlush({ timeout }),
  };
}

async function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
