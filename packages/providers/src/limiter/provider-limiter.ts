import { RateLimitedError, RetryableError } from '@queue-service/contracts';
import { type Bucket, type BucketRate, type Draw, localBucket, redisBucket, type ScriptRunner } from './bucket.ts';

/** The rate at which the whole fleet may use one provider. */
export interface ProviderLimiter {
  /**
   * Resolves when one more request may leave. Nothing is held after that, so there is nothing to give back.
   * @throws RateLimitedError `provider_rate_limited` when its turn is too far away to wait for
   * @throws RetryableError `aborted` when the signal is aborted first
   */
  take(signal?: AbortSignal): Promise<void>;
  /**
   * Tells that the provider answered 429: no process of the fleet sends anything for that long, and none starts again
   * with a burst. Never rejects.
   */
  penalize(retryAfterMs: number): Promise<void>;
}

export interface ProviderLimiterOptions extends BucketRate {
  redis: ScriptRunner;
  /** Before the key in Redis. */
  prefix: string;
  provider: string;
  /** Which limit of the provider, where it has several (one a node, say). */
  scope?: string;
  /** The longest wait for a turn, in milliseconds; a job gives its place in the worker back sooner. Default 10 s. */
  maxWaitMs?: number;
  /** Told of each request how long it waited, in seconds. */
  onWait?: (seconds: number) => void;
  /** Told when Redis is away and each process limits itself, and when that is over. */
  onLocal?: (local: boolean) => void;
  /** Epoch milliseconds. */
  now?: () => number;
}

/** A `Retry-After` beyond this is not believed: one bad header must not stop the fleet for a day. */
const longestPenaltyMs = 60_000;
/** While Redis is away nobody knows how many processes share the rate. */
const localShare = 0.25;
/** Another process may take the token first; then it is looked for again, at least this much later. */
const shortestSleepMs = 5;

interface Waiter {
  since: number;
  resolve: () => void;
  reject: (error: Error) => void;
}

/**
 * A token bucket in Redis whose callers wait for their token, first come first served within a process. One look
 * draws for all who wait, so a busy process asks Redis no more often than an idle one.
 */
export function createProviderLimiter(options: ProviderLimiterOptions): ProviderLimiter {
  const { ratePerSecond, burst, provider, maxWaitMs = 10_000, now = Date.now } = options;
  const key = [options.prefix, 'provider-limit', provider, ...(options.scope ? [options.scope] : [])].join(':');
  const shared = redisBucket(options.redis, key, { ratePerSecond, burst });
  const alone = localBucket(
    { ratePerSecond: ratePerSecond * localShare, burst: Math.max(1, Math.floor(burst * localShare)) },
    now,
  );
  const waiting: Waiter[] = [];
  let serving = false;
  let local = false;

  /** Redis where it answers, else the bucket of this process. */
  const either = async <T>(use: (bucket: Bucket) => Promise<T>): Promise<T> => {
    let failed = false;
    try {
      return await use(shared);
    } catch {
      failed = true;
      return await use(alone);
    } finally {
      if (failed !== local) options.onLocal?.(failed);
      local = failed;
    }
  };

  /** Those whose turn would come too late are told at once, and not after they have waited in vain. */
  const refuseLate = ({ waitMs }: Draw) => {
    const late = waiting.filter(({ since }, place) => now() + turnMs(waitMs, place) - since > maxWaitMs);
    for (const waiter of late) {
      const retryAfterMs = turnMs(waitMs, waiting.indexOf(waiter));
      waiter.reject(
        new RateLimitedError({
          code: 'provider_rate_limited',
          message: `The fleet uses all of its rate at ${provider}; the next turn is ${retryAfterMs} ms away`,
          retryAfterMs,
        }),
      );
    }
    for (const waiter of late) waiting.splice(waiting.indexOf(waiter), 1);
  };
  const turnMs = (waitMs: number, place: number) => Math.ceil(waitMs + (place / ratePerSecond) * 1_000);

  const serve = async () => {
    serving = true;
    while (waiting.length > 0) {
      const wanted = waiting.length;
      const draw = await either((bucket) => bucket.draw(wanted));
      for (const waiter of waiting.splice(0, draw.granted)) {
        options.onWait?.((now() - waiter.since) / 1_000);
        waiter.resolve();
      }
      // Who came meanwhile is drawn for at once, as long as the bucket is not empty.
      if (draw.granted === wanted) continue;
      refuseLate(draw);
      if (waiting.length > 0) {
        await new Promise((resolve) => setTimeout(resolve, Math.max(draw.waitMs, shortestSleepMs)));
      }
    }
    serving = false;
  };

  return {
    take: async (signal) => {
      const aborted = () => new RetryableError({ code: 'aborted', message: 'The attempt ended before its turn came' });
      if (signal?.aborted) throw aborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waiter: Waiter = { since: now(), resolve, reject };
      const leave = () => {
        const place = waiting.indexOf(waiter);
        if (place >= 0) waiting.splice(place, 1);
        reject(aborted());
      };
      signal?.addEventListener('abort', leave, { once: true });
      waiting.push(waiter);
      if (!serving) void serve();
      try {
        await promise;
      } finally {
        signal?.removeEventListener('abort', leave);
      }
    },
    penalize: async (retryAfterMs) => {
      const forMs = Math.min(Math.max(retryAfterMs, 1), longestPenaltyMs);
      // Here too, in case Redis goes away before the penalty is over.
      await alone.close(forMs);
      await either((bucket) => bucket.close(forMs));
    },
  };
}
