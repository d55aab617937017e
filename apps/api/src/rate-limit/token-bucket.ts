import type { Cluster, Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

/** A bucket that holds `points` tokens and gets them back evenly within `windowMs`. */
export interface Bucket {
  readonly points: number;
  readonly windowMs: number;
}

export interface Taken {
  readonly allowed: boolean;
  readonly remaining: number;
  /** Until the next token when refused, until the bucket is whole again else. */
  readonly resetMs: number;
}

/**
 * rate-limiter-flexible counts in fixed windows, which lets twice the quota through around each boundary. Its seam for
 * another script makes it a token bucket; what the script answers is what the library expects: consumed points (more than
 * `points` is a refusal) and milliseconds. The clock is Redis's, so replicas agree.
 */
const SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local cost, points, window = tonumber(ARGV[1]), tonumber(ARGV[3]), ARGV[4] * 1000
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local passed = math.max(0, now - (tonumber(kept[2]) or now))
local tokens = math.min(points, (tonumber(kept[1]) or points) + passed * points / window)
local allowed = tokens >= cost
if allowed then tokens = tokens - cost end
redis.call('HSET', KEYS[1], 'tokens', tokens, 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(window))
if allowed then return {points - math.floor(tokens), math.ceil((points - tokens) * window / points)} end
return {points + cost, math.ceil((cost - tokens) * window / points)}
`;

export interface TokenBuckets {
  /** One token of the key's bucket. While Redis is away a bucket of this process decides, in fixed windows. */
  take(key: string, bucket: Bucket): Promise<Taken>;
  /** Tokens taken at this moment, and until the bucket is whole again; null while Redis is away. */
  use(key: string, bucket: Bucket): Promise<{ readonly used: number; readonly resetMs: number } | null>;
}

/** @param redis whose commands fail soon while it is away; the caller's to close */
export function createTokenBuckets(redis: Redis | Cluster, keyPrefix: string): TokenBuckets {
  const limiters = new Map<string, RateLimiterRedis>();
  const limiterOf = ({ points, windowMs }: Bucket): RateLimiterRedis => {
    const name = `${points}/${windowMs}`;
    const duration = windowMs / 1_000;
    const limiter =
      limiters.get(name) ??
      new RateLimiterRedis({
        ...{ storeClient: redis, keyPrefix, points, duration },
        customIncrTtlLuaScript: SCRIPT,
        rejectIfRedisNotReady: true,
        insuranceLimiter: new RateLimiterMemory({ keyPrefix, points, duration }),
      });
    limiters.set(name, limiter);
    return limiter;
  };

  return {
    take: async (key, bucket) => {
      try {
        const { remainingPoints, msBeforeNext } = await limiterOf(bucket).consume(key);
        return { allowed: true, remaining: remainingPoints, resetMs: msBeforeNext };
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused;
        return { allowed: false, remaining: 0, resetMs: refused.msBeforeNext };
      }
    },
    use: async (key, bucket) => {
      const { points, windowMs } = bucket;
      try {
        const [tokens, at] = await redis.hmget(limiterOf(bucket).getKey(key), 'tokens', 'at');
        if (tokens == null || at == null) return { used: 0, resetMs: 0 };
        const back = (Math.max(0, Date.now() - Number(at)) * points) / windowMs;
        const left = Math.min(points, Number(tokens) + back);
        return { used: points - Math.floor(left), resetMs: Math.ceil(((points - left) * windowMs) / points) };
      } catch {
        return null;
      }
    },
  };
}
