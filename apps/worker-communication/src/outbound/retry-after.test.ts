import { describe, expect, test } from 'vitest';
import { retryAfterMs, untilEpochSeconds } from './retry-after.ts';

const now = Date.parse('2027-01-02T03:04:05Z');

describe('Retry-After', () => {
  test.each([
    ['30', 30_000],
    ['1.5', 1_500],
    [' 7 ', 7_000],
    ['Sat, 02 Jan 2027 03:05:05 GMT', 60_000],
    ['0', 1_000],
    ['Sat, 02 Jan 2027 03:00:00 GMT', 1_000],
    ['86400', 3_600_000],
    ['soon', 5_000],
    [null, 5_000],
  ])('%j is a wait of %i ms', (value, expected) => {
    expect(retryAfterMs(value, 5_000, now)).toBe(expected);
  });

  test('a moment in epoch seconds is a wait until then', () => {
    expect(untilEpochSeconds(String(now / 1_000 + 42), now)).toBe(42_000);
    expect(untilEpochSeconds('tomorrow', now)).toBeNull();
    expect(untilEpochSeconds(undefined, now)).toBeNull();
  });
});
