import { RateLimitedError } from '@queue-service/contracts';

const leastMs = 1_000;
/** Longer waits are not believed: the queue would stand still on one bad header. */
const mostMs = 3_600_000;

/**
 * `Retry-After` as milliseconds from now, within 1 s and 1 h.
 * @param value seconds or an HTTP date (RFC 9110, 10.2.3)
 * @param fallbackMs where the header is missing or is neither
 */
export function retryAfterMs(value: string | null | undefined, fallbackMs: number, now: number): number {
  const text = value?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return bounded(Number(text) * 1_000);
  const date = Date.parse(text);
  return bounded(Number.isNaN(date) ? fallbackMs : date - now);
}

/** A moment in epoch seconds (`X-RateLimit-Reset`) as milliseconds from now, within 1 s and 1 h. */
export function untilEpochSeconds(value: string | null | undefined, now: number): number | null {
  return value !== null && value !== undefined && /^\d+$/.test(value.trim())
    ? bounded(Number(value) * 1_000 - now)
    : null;
}

export function rateLimited(provider: string, waitMs: number): RateLimitedError {
  return new RateLimitedError({
    code: 'provider_rate_limited',
    message: `${provider} asks for patience`,
    retryAfterMs: waitMs,
  });
}

function bounded(ms: number): number {
  return Math.min(Math.max(Math.ceil(ms), leastMs), mostMs);
}
