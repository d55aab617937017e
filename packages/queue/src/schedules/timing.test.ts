import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fires, lastFire, nextFire, type Timing } from './timing.ts';

const timing = (given: Partial<Timing>): Timing => ({
  cron: null,
  everyMs: null,
  timezone: 'UTC',
  startsAt: null,
  endsAt: null,
  anchor: new Date('2026-01-01T00:00:10Z'),
  ...given,
});
const newYork = (cron: string) => timing({ cron, timezone: 'America/New_York' });

function take(of: Timing, after: string, count: number): string[] {
  const taken: string[] = [];
  for (const time of fires(of, new Date(after))) {
    taken.push(time.toISOString().replace('.000Z', 'Z'));
    if (taken.length === count) break;
  }
  return taken;
}

describe('in New York', () => {
  it('fires a time that the clocks jump over an hour later', () => {
    expect(take(newYork('30 2 * * *'), '2026-03-07T00:00:00Z', 3)).toEqual([
      '2026-03-07T07:30:00Z',
      '2026-03-08T07:30:00Z', // 03:30 EDT
      '2026-03-09T06:30:00Z',
    ]);
  });

  it('fires a time that comes twice the first time only', () => {
    expect(take(newYork('30 1 * * *'), '2026-10-31T00:00:00Z', 3)).toEqual([
      '2026-10-31T05:30:00Z',
      '2026-11-01T05:30:00Z', // 01:30 EDT, and not 01:30 EST
      '2026-11-02T06:30:00Z',
    ]);
  });

  it('fires hourly through both changes', () => {
    expect(take(newYork('0 * * * *'), '2026-11-01T04:30:00Z', 3)).toEqual([
      '2026-11-01T05:00:00Z',
      '2026-11-01T06:00:00Z',
      '2026-11-01T07:00:00Z',
    ]);
    expect(take(newYork('0 * * * *'), '2026-03-08T05:30:00Z', 3)).toEqual([
      '2026-03-08T06:00:00Z',
      '2026-03-08T07:00:00Z',
      '2026-03-08T08:00:00Z',
    ]);
  });

  it('does not depend on where it begins: after any moment comes what a walk from long before says', () => {
    const crons = [
      '30 2 * * *',
      '30 1 * * *',
      '*/15 1 * * *',
      '*/15 2 * * *',
      '0 0,30 1,2 * * *',
      '0 1-3 * * *',
      '5 * * * *',
    ];
    const changes = ['2026-03-08T07:00:00Z', '2026-11-01T06:00:00Z'];
    fc.assert(
      fc.property(
        fc.constantFrom(...crons),
        fc.constantFrom(...changes),
        fc.integer({ min: -4 * 3_600_000, max: 4 * 3_600_000 }),
        (cron, change, shift) => {
          const after = new Date(Date.parse(change) + shift);
          const walk = fires(newYork(cron), new Date(Date.parse(change) - 3 * 86_400_000));
          let expected: Date | undefined;
          for (const time of walk) {
            expected = time;
            if (time > after) break;
          }
          expect(nextFire(newYork(cron), after)).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('an interval', () => {
  it('counts from when the schedule was made, or from its start', () => {
    expect(take(timing({ everyMs: 60_000 }), '2026-01-01T00:00:10Z', 2)).toEqual([
      '2026-01-01T00:01:10Z',
      '2026-01-01T00:02:10Z',
    ]);
    const startsAt = new Date('2026-02-01T12:00:00Z');
    expect(take(timing({ everyMs: 60_000, startsAt }), '2026-01-01T00:00:00Z', 2)).toEqual([
      '2026-02-01T12:00:00Z',
      '2026-02-01T12:01:00Z',
    ]);
  });

  it('skips to the present without counting through the past', () => {
    expect(take(timing({ everyMs: 1_000 }), '2086-01-01T00:00:00.500Z', 1)).toEqual(['2086-01-01T00:00:01Z']);
  });
});

it('fires neither before its start nor after its end, both included', () => {
  const between = timing({
    cron: '0 * * * *',
    startsAt: new Date('2026-05-01T10:00:00Z'),
    endsAt: new Date('2026-05-01T12:00:00Z'),
  });
  expect(take(between, '2026-04-01T00:00:00Z', 9)).toEqual([
    '2026-05-01T10:00:00Z',
    '2026-05-01T11:00:00Z',
    '2026-05-01T12:00:00Z',
  ]);
  expect(nextFire(between, new Date('2026-05-01T12:00:00Z'))).toBeNull();
});

it('takes seconds as the first of six fields', () => {
  expect(take(timing({ cron: '*/20 * * * * *' }), '2026-01-01T00:00:01Z', 2)).toEqual([
    '2026-01-01T00:00:20Z',
    '2026-01-01T00:00:40Z',
  ]);
});

it('finds the last fire before a moment, however long ago it was', () => {
  const end = new Date('2026-06-15T12:00:00Z');
  const long = new Date('2020-01-01T00:00:00Z');
  expect(lastFire(timing({ cron: '0 0 1 1 *' }), end, long)).toEqual(new Date('2026-01-01T00:00:00Z'));
  expect(lastFire(timing({ cron: '* * * * * *' }), end, long)).toEqual(new Date('2026-06-15T11:59:59Z'));
  expect(lastFire(timing({ cron: '0 0 1 1 *' }), end, new Date('2026-01-02T00:00:00Z'))).toBeNull();
});
