import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DueSchedule, type FiresUnderWay, onTimeMs, planFires } from './plan-fires.ts';

const minute = 60_000;
const idle: FiresUnderWay = { busy: false, queued: 0 };
const base = new Date('2026-05-05T12:00:00Z');
const at = (minutes: number, seconds = 0) => new Date(base.getTime() + minutes * minute + seconds * 1_000);

/** Fires each minute; the first at 12:00. */
const due = (given: Partial<DueSchedule> = {}): DueSchedule => ({
  cron: '* * * * *',
  everyMs: null,
  timezone: 'UTC',
  startsAt: null,
  endsAt: null,
  anchor: at(-60),
  nextRun: base,
  overlap: 'allow',
  catchUp: 'last',
  catchUpWindowMs: 60 * minute,
  ...given,
});

function planned(schedule: DueSchedule, now: Date, underWay = idle) {
  const { fires, nextRun } = planFires(schedule, now, underWay);
  return { fires: fires.map(({ fireAt, status }) => `${fireAt.toISOString().slice(11, 19)} ${status}`), nextRun };
}

it.each(['none', 'last', 'all'] as const)('fires what is on time under catch-up %s', (catchUp) => {
  expect(planned(due({ catchUp }), at(0, 20))).toEqual({ fires: ['12:00:00 due'], nextRun: at(1) });
});

describe('times that passed while everything was down', () => {
  const down = at(4, 45);

  it('are left out under none, and recorded', () => {
    expect(planned(due({ catchUp: 'none' }), down)).toEqual({
      fires: [0, 1, 2, 3, 4].map((minutes) => `12:0${minutes}:00 missed`),
      nextRun: at(5),
    });
  });

  it('are made up for once under last', () => {
    expect(planned(due({ catchUp: 'last' }), down).fires.slice(-2)).toEqual(['12:03:00 missed', '12:04:00 due']);
  });

  it('are made up for by a fire that is on time, under last', () => {
    expect(planned(due({ catchUp: 'last' }), at(4, 5)).fires).toEqual([
      '12:00:00 missed',
      '12:01:00 missed',
      '12:02:00 missed',
      '12:03:00 missed',
      '12:04:00 due',
    ]);
  });

  it('all fire under all, as far as the window reaches', () => {
    expect(planned(due({ catchUp: 'all' }), down).fires).toEqual([0, 1, 2, 3, 4].map((n) => `12:0${n}:00 due`));
    expect(planned(due({ catchUp: 'all', catchUpWindowMs: 2 * minute }), down).fires).toEqual([
      '12:00:00 missed',
      '12:03:00 due',
      '12:04:00 due',
    ]);
  });

  it('do not fire under last when the newest is outside the window', () => {
    expect(planned(due({ cron: '0 * * * *', catchUpWindowMs: minute }), at(10)).fires).toEqual(['12:00:00 missed']);
  });

  it('run one after another under all when jobs must not overlap', () => {
    expect(planned(due({ catchUp: 'all', overlap: 'skip' }), at(2, 45)).fires).toEqual([
      '12:00:00 due',
      '12:01:00 queued',
      '12:02:00 queued',
    ]);
  });

  it('are decided in bounded portions, however long it was', () => {
    const weeks = new Date(base.getTime() + 14 * 24 * 60 * minute);
    for (const catchUp of ['none', 'last', 'all'] as const) {
      const schedule = due({ cron: '* * * * * *', catchUp, catchUpWindowMs: 366 * 24 * 60 * minute });
      const { fires, nextRun } = planFires(schedule, weeks, idle);
      expect(fires.length).toBeLessThanOrEqual(600);
      expect(nextRun?.getTime()).toBeGreaterThan(Math.max(...fires.map(({ fireAt }) => fireAt.getTime())));
    }
  });
});

describe('while the job of the fire before has not ended', () => {
  const busy: FiresUnderWay = { busy: true, queued: 0 };
  const now = at(0, 5);

  it('skip leaves the fire out', () => {
    expect(planned(due({ overlap: 'skip' }), now, busy).fires).toEqual(['12:00:00 skipped']);
  });
  it('queue-one keeps one waiting and no second', () => {
    expect(planned(due({ overlap: 'queue-one' }), now, busy).fires).toEqual(['12:00:00 queued']);
    expect(planned(due({ overlap: 'queue-one' }), now, { busy: true, queued: 1 }).fires).toEqual(['12:00:00 skipped']);
  });
  it('allow runs both', () => {
    expect(planned(due({ overlap: 'allow' }), now, busy).fires).toEqual(['12:00:00 due']);
  });
});

it('ends with the schedule', () => {
  expect(planned(due({ endsAt: base }), at(0, 5))).toEqual({ fires: ['12:00:00 due'], nextRun: null });
});

it('decides about each time once and in order, and moves on, whatever the policies and however late it comes', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('none' as const, 'last' as const, 'all' as const),
      fc.constantFrom('skip' as const, 'queue-one' as const, 'allow' as const),
      fc.integer({ min: 0, max: 3 * 3_600_000 }),
      fc.integer({ min: 0, max: 2 * 3_600_000 }),
      fc.constantFrom('* * * * *', '*/20 * * * * *', '0 * * * *'),
      (catchUp, overlap, lateMs, catchUpWindowMs, cron) => {
        const now = new Date(base.getTime() + lateMs);
        const { fires, nextRun } = planFires(due({ catchUp, overlap, catchUpWindowMs, cron }), now, idle);
        const times = fires.map(({ fireAt }) => fireAt.getTime());
        expect(new Set(times).size).toBe(times.length);
        expect([...times].sort((a, b) => a - b)).toEqual(times);
        expect(times[0]).toBe(base.getTime());
        for (const time of times) expect(time).toBeLessThanOrEqual(now.getTime());
        expect(nextRun?.getTime()).toBeGreaterThan(times.at(-1) as number);
        // What is on time is never taken for missed.
        const onTime = fires.filter(({ fireAt }) => fireAt.getTime() >= now.getTime() - onTimeMs);
        expect(onTime.every(({ status }) => status !== 'missed')).toBe(true);
      },
    ),
    { numRuns: 200 },
  );
});
