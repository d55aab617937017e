import { RateLimitedError } from '@queue-service/contracts';
import { usePrefix } from '@queue-service/sandbox/testing';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, it } from 'vitest';
import { createProviderLimiter, type ProviderLimiterOptions } from './provider-limiter.ts';

const { prefix, url } = usePrefix();
const redis = new Redis(url);
const away = new Redis(url, { enableOfflineQueue: false, lazyConnect: true });
afterAll(() => {
  redis.disconnect();
  away.disconnect();
});

let providers = 0;
/** The limiters of two processes of one fleet. */
const fleet = (options: Partial<ProviderLimiterOptions> = {}) => {
  const provider = options.provider ?? `provider-${++providers}`;
  const one = () => createProviderLimiter({ redis, prefix, provider, ratePerSecond: 100, burst: 1, ...options });
  return [one(), one()] as const;
};
const outcomes = async (turns: Promise<void>[]) => {
  const settled = await Promise.allSettled(turns);
  return {
    let: settled.filter(({ status }) => status === 'fulfilled').length,
    refused: settled.flatMap((turn) => (turn.status === 'rejected' ? [turn.reason as RateLimitedError] : [])),
  };
};
const thousandSeconds = { ratePerSecond: 0.001 };

describe('a limiter of a whole fleet', () => {
  it('lets both processes together have the burst, and refuses what is too far away to wait for', async () => {
    const [a, b] = fleet({ ...thousandSeconds, burst: 5 });
    const { let: passed, refused } = await outcomes(Array.from({ length: 8 }, (_, i) => (i % 2 ? a : b).take()));
    expect(passed).toBe(5);
    expect(refused.map((error) => [error.constructor, error.code])).toEqual(
      Array.from({ length: 3 }, () => [RateLimitedError, 'provider_rate_limited']),
    );
    expect(Math.min(...refused.map(({ retryAfterMs }) => retryAfterMs))).toBeGreaterThan(10_000);
  });

  it('lets everybody wait for a turn that is near, and tells how long it took', async () => {
    const waits: number[] = [];
    const [a, b] = fleet({ onWait: (seconds) => waits.push(seconds) });
    await Promise.all(Array.from({ length: 12 }, (_, i) => (i % 2 ? a : b).take()));
    expect(waits).toHaveLength(12);
    expect(waits.filter((seconds) => seconds > 0).length).toBeGreaterThanOrEqual(10);
  });

  it('serves in the order of coming', async () => {
    const [a] = fleet();
    const order: number[] = [];
    await Promise.all([1, 2, 3, 4].map((turn) => a.take().then(() => order.push(turn))));
    expect(order).toEqual([1, 2, 3, 4]);
  });

  it('stops the fleet where one of its processes was answered 429, and starts again without a burst', async () => {
    const [a, b] = fleet({ burst: 50 });
    await a.take();
    await a.penalize(30_000);
    const { refused } = await outcomes([a.take(), b.take()]);
    expect(refused.map(({ retryAfterMs }) => retryAfterMs > 20_000)).toEqual([true, true]);
    const waits: number[] = [];
    const [c, d] = fleet({ burst: 50, onWait: (seconds) => waits.push(seconds) });
    await c.penalize(20);
    await Promise.all([c.take(), d.take(), d.take()]);
    expect(waits.every((seconds) => seconds > 0)).toBe(true);
  });

  it('believes no Retry-After of a day', async () => {
    const [a] = fleet();
    await a.penalize(86_400_000);
    const { refused } = await outcomes([a.take()]);
    expect(refused[0]?.retryAfterMs).toBeLessThan(61_000);
  });

  it('lets go of a place whose attempt has ended', async () => {
    const [a] = fleet({ ...thousandSeconds, maxWaitMs: 10_000_000 });
    await a.take();
    const attempt = new AbortController();
    const turn = a.take(attempt.signal);
    attempt.abort();
    await expect(turn).rejects.toMatchObject({ code: 'aborted' });
    await expect(a.take(attempt.signal)).rejects.toMatchObject({ code: 'aborted' });
  });

  it('keeps limits of one provider apart by their scope', async () => {
    const provider = `provider-${++providers}`;
    const [a] = fleet({ ...thousandSeconds, provider, scope: 'node-1' });
    const [b] = fleet({ ...thousandSeconds, provider, scope: 'node-2' });
    const { let: passed } = await outcomes([a.take(), a.take(), b.take()]);
    expect(passed).toBe(2);
  });

  it('goes on by itself, at a part of the rate, while Redis is away', async () => {
    const told: boolean[] = [];
    const [a] = fleet({ redis: away, ...thousandSeconds, burst: 8, onLocal: (local) => told.push(local) });
    const { let: passed, refused } = await outcomes(Array.from({ length: 4 }, () => a.take()));
    expect([passed, refused.length]).toEqual([2, 2]);
    await a.penalize(30_000);
    expect((await outcomes([a.take()])).refused).toHaveLength(1);
    expect(told).toEqual([true]);
  });
});
