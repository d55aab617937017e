/** What one look at a bucket brought. */
export interface Draw {
  /** Tokens given, at most as many as were wanted. */
  granted: number;
  /** Until the next token is there, in milliseconds. */
  waitMs: number;
}

/** How fast a bucket fills, and what it holds. */
export interface BucketRate {
  ratePerSecond: number;
  /** Tokens that may be there at once: requests that leave together after a quiet time. */
  burst: number;
}

/** A token bucket, wherever it is kept. */
export interface Bucket {
  /** Takes up to `wanted` tokens. */
  draw(wanted: number): Promise<Draw>;
  /** Gives no token for so long, and none more than trickle in after that. */
  close(forMs: number): Promise<void>;
}

/** The part of ioredis that is needed. */
export interface ScriptRunner {
  eval(script: string, numberOfKeys: number, ...args: string[]): Promise<unknown>;
}

/**
 * `at` is the moment for which `tokens` counts. A closed bucket is an empty one whose moment lies ahead. The time is that
 * of Redis: clocks of workers differ by more than a request takes.
 */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local perMs, burst = ARGV[1] / 1000, tonumber(ARGV[2])
local wanted, closeMs = tonumber(ARGV[3]), tonumber(ARGV[4])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(kept[1]) or burst, tonumber(kept[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * perMs)
at = math.max(at, now)
if closeMs > 0 then tokens, at = 0, math.max(at, now + closeMs) end
local granted = math.min(wanted, math.floor(tokens))
tokens = tokens - granted
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.3f', at))
redis.call('PEXPIRE', KEYS[1], math.ceil(at - now + burst / perMs) + 1000)
return { granted, math.ceil(at - now + math.max(0, 1 - tokens) / perMs) }`;

/** The bucket that all processes share. Rejects while Redis is away. */
export function redisBucket(redis: ScriptRunner, key: string, { ratePerSecond, burst }: BucketRate): Bucket {
  const run = async (wanted: number, closeMs: number): Promise<Draw> => {
    const args = [ratePerSecond, burst, wanted, closeMs].map(String);
    const [granted, waitMs] = (await redis.eval(script, 1, key, ...args)) as [number, number];
    return { granted, waitMs };
  };
  return {
    draw: (wanted) => run(wanted, 0),
    close: async (forMs) => {
      await run(0, forMs);
    },
  };
}

/** A bucket of this process alone. @param now epoch milliseconds */
export function localBucket({ ratePerSecond, burst }: BucketRate, now: () => number): Bucket {
  const perMs = ratePerSecond / 1_000;
  let tokens = burst;
  let at = now();
  const refill = () => {
    tokens = Math.min(burst, tokens + Math.max(0, now() - at) * perMs);
    at = Math.max(at, now());
  };
  return {
    draw: async (wanted) => {
      refill();
      const granted = Math.min(wanted, Math.floor(tokens));
      tokens -= granted;
      return { granted, waitMs: Math.ceil(at - now() + Math.max(0, 1 - tokens) / perMs) };
    },
    close: async (forMs) => {
      refill();
      tokens = 0;
      at = Math.max(at, now() + forMs);
    },
  };
}
