import { type CreateSchedule, contractOf } from '@queue-service/contracts';
import { describe, expect, it } from 'vitest';
import { checkSchedule } from './check-schedule.ts';

const now = new Date('2026-05-05T12:00:00Z');
const good: CreateSchedule = {
  name: 'nightly',
  type: 'cleanup-old-data',
  data: contractOf('cleanup-old-data').example.payload,
  cron: '0 3 * * *',
};

function problemsOf(change: Partial<CreateSchedule>): [string, string][] {
  const checked = checkSchedule({ ...good, ...change }, now);
  return checked.ok ? [] : checked.problems.map(({ path, message }) => [path, message]);
}

it('fills in the defaults, of the payload too', () => {
  const checked = checkSchedule({ ...good, data: { target: 'jobs', olderThanDays: 30 } }, now);
  expect(checked).toMatchObject({
    ok: true,
    schedule: {
      active: true,
      timezone: 'UTC',
      overlap: 'skip',
      catchUp: 'last',
      catchUpWindowMs: 86_400_000,
      jitterMs: 0,
      data: { target: 'jobs', olderThanDays: 30, dryRun: false },
    },
  });
});

describe('refuses at save time', () => {
  it.each([
    ['* * *', /3 fields/],
    ['@daily', /1 fields/],
    ['61 * * * *', /not a cron expression/],
    ['0 0 30 2 *', /not a cron expression/],
    ['H * * * *', /uses H/],
    ['* * * * * * *', /7 fields/],
  ])('the cron expression %s', (cron, message) => {
    expect(problemsOf({ cron })).toEqual([['cron', expect.stringMatching(message)]]);
  });

  it.each(['Mars/Olympus', '+02:00', ''])('the time zone %s', (timezone) => {
    expect(problemsOf({ timezone })).toEqual([['timezone', expect.stringContaining('IANA')]]);
  });

  it('both or none of cron and everyMs', () => {
    expect(problemsOf({ everyMs: 60_000 })).toHaveLength(1);
    expect(problemsOf({ cron: null })).toHaveLength(1);
    expect(problemsOf({ cron: null, everyMs: 60_000 })).toEqual([]);
  });

  it('an end that comes before any fire', () => {
    expect(problemsOf({ endsAt: '2026-05-05T13:00:00Z' })).toEqual([['endsAt', expect.stringContaining('no time')]]);
    expect(problemsOf({ startsAt: '2026-06-01T00:00:00Z', endsAt: '2026-05-31T00:00:00Z' })).toMatchObject([
      ['endsAt', expect.anything()],
    ]);
  });

  it('a payload that its contract does not allow, naming every field and no value', () => {
    const problems = problemsOf({ data: { target: 'secret-table', olderThanDays: 0, more: 1 } });
    expect(problems.map(([path]) => path).sort()).toEqual(['data.more', 'data.olderThanDays', 'data.target']);
    expect(JSON.stringify(problems)).not.toContain('secret-table');
  });

  it('an unknown type, another queue', () => {
    expect(problemsOf({ type: 'mine-bitcoin' })).toMatchObject([['type', expect.anything()]]);
    expect(problemsOf({ queue: 'money' })).toEqual([['queue', expect.stringContaining('background')]]);
  });
});
