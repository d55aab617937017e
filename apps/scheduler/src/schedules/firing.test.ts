import { contractOf } from '@queue-service/contracts';
import { lockOverdueSchedules } from '@queue-service/persistence';
import { decideFires } from '@queue-service/queue';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { log, openStage, type Stage } from '../testing/schedules.ts';
import { createFiring, type Firing } from './fire-due.ts';
import { launchOwed } from './launch-owed.ts';
import { releaseQueued } from './release-queued.ts';

const start = new Date('2030-05-05T12:00:00.000Z');
let clock = start;
let stage: Stage;
let firing: Firing;
const { signal } = new AbortController();

/** Sets the clock to minutes and seconds after noon. */
function at(minutes: number, seconds = 0): Date {
  clock = new Date(start.getTime() + minutes * 60_000 + seconds * 1_000);
  return clock;
}
const sweep = () => firing.fireOverdue(clock, 1_000);
const repair = () => launchOwed({ runtime: stage.runtime, log, signal });
const release = () => releaseQueued({ runtime: stage.runtime, log, signal });
const statuses = async (id: string) =>
  (await stage.fires(id)).map(({ fireAt, status }) => `${fireAt.slice(11, 16)} ${status}`);

beforeAll(async () => {
  const { url } = await useDatabase();
  const { prefix, url: redisUrl } = usePrefix();
  stage = openStage({ databaseUrl: url, redisUrl, prefix, now: () => clock });
  await vi.waitFor(() => expect(stage.runtime.connections.all[0]?.redis.status).toBe('ready'));
  firing = createFiring({ runtime: stage.runtime, log, metrics: stage.metrics, onMoved: async () => {} });
});
afterAll(() => stage.runtime.close());

it('makes the job of a fire, in the ledger, under a key that follows from the fire', async () => {
  at(0, 30);
  const { id } = await stage.create({ options: { priority: 9 } });
  at(1, 1);
  await sweep();
  const [fire] = await stage.fires(id);
  expect(fire).toMatchObject({ fireAt: '2030-05-05T12:01:00.000Z', status: 'fired', jobStatus: 'pending' });
  const job = await stage.runtime.db.prisma.criticalJob.findUniqueOrThrow({ where: { id: fire?.jobId ?? '' } });
  expect(job).toMatchObject({ priority: 9, tenantId: 't', idempotencyKey: `schedule:${id}:2030-05-05T12:01:00.000Z` });
  expect(await stage.schedules.find(id, 't')).toMatchObject({ lastJobId: job.id, nextRun: '2030-05-05T12:02:00.000Z' });
});

describe('after everything was down', () => {
  it.each([
    ['none', ['12:01 missed', '12:02 missed', '12:03 missed']],
    ['last', ['12:01 missed', '12:02 missed', '12:03 fired']],
    ['all', ['12:01 fired', '12:02 fired', '12:03 fired']],
  ] as const)('catch-up %s', async (catchUp, expected) => {
    at(0, 30);
    const { id } = await stage.create({ catchUp, overlap: 'allow' });
    at(3, 45);
    await sweep();
    expect(await statuses(id)).toEqual(expected);
    expect(await stage.schedules.find(id, 't')).toMatchObject({ nextRun: '2030-05-05T12:04:00.000Z' });
  });

  it('all runs one after another where jobs must not overlap', async () => {
    at(0, 30);
    const { id } = await stage.create({ catchUp: 'all', overlap: 'skip' });
    at(3, 45);
    await sweep();
    expect(await statuses(id)).toEqual(['12:01 fired', '12:02 queued', '12:03 queued']);
    for (const expected of [
      ['12:01 fired', '12:02 fired', '12:03 queued'],
      ['12:01 fired', '12:02 fired', '12:03 fired'],
    ]) {
      await release();
      await stage.end((await stage.schedules.find(id, 't'))?.lastJobId ?? null);
      await release();
      expect(await statuses(id)).toEqual(expected);
    }
  });
});

describe('while the job of the fire before has not ended', () => {
  async function twice(overlap: 'skip' | 'queue-one' | 'allow') {
    at(0, 30);
    const { id } = await stage.create({ overlap });
    for (const minutes of [1, 2, 3]) {
      at(minutes, 1);
      await sweep();
    }
    return id;
  }

  it('skip leaves fires out until it has', async () => {
    const id = await twice('skip');
    expect(await statuses(id)).toEqual(['12:01 fired', '12:02 skipped', '12:03 skipped']);
    await stage.end((await stage.fires(id))[0]?.jobId ?? null, 'failed');
    at(4, 1);
    await sweep();
    expect((await statuses(id)).at(-1)).toBe('12:04 fired');
  });

  it('queue-one keeps one, which runs when it has', async () => {
    const id = await twice('queue-one');
    expect(await statuses(id)).toEqual(['12:01 fired', '12:02 queued', '12:03 skipped']);
    await release();
    expect((await statuses(id))[1]).toBe('12:02 queued');
    await stage.end((await stage.fires(id))[0]?.jobId ?? null);
    await release();
    expect((await statuses(id))[1]).toBe('12:02 fired');
  });

  it('allow runs them side by side', async () => {
    expect(await statuses(await twice('allow'))).toEqual(['12:01 fired', '12:02 fired', '12:03 fired']);
  });

  it('asks Redis about jobs that have no row in the ledger', async () => {
    at(0, 30);
    const { id } = await stage.create({ type: 'analytics-track', data: { userId: 'u', event: 'e' } });
    at(1, 1);
    await sweep();
    at(2, 1);
    await sweep();
    expect(await statuses(id)).toEqual(['12:01 fired', '12:02 skipped']);
    await stage.runtime.connections.of('background').queue.remove((await stage.fires(id))[0]?.jobId ?? '');
    at(3, 1);
    await sweep();
    expect((await statuses(id)).at(-1)).toBe('12:03 fired');
  });
});

it('hands over what a crash between the decision and the hand-over has left, once', async () => {
  at(0, 30);
  const { id } = await stage.create({});
  at(1, 1);
  const { runtime } = stage;
  // A scheduler that dies right after its commit.
  await runtime.db.transaction(async (sql) =>
    decideFires(sql, { connections: runtime.connections, log }, await lockOverdueSchedules(sql, clock, 100), clock),
  );
  expect(await stage.fires(id)).toMatchObject([{ status: 'due', jobStatus: null }]);
  await repair();
  expect(await stage.fires(id)).toMatchObject([{ status: 'due' }]); // It may be just on its way.
  at(1, 10);
  await Promise.all([repair(), repair()]);
  const [fire] = await stage.fires(id);
  expect(fire).toMatchObject({ status: 'fired', jobStatus: 'pending' });
  expect(
    await runtime.db.prisma.criticalJob.count({ where: { idempotencyKey: { startsWith: `schedule:${id}` } } }),
  ).toBe(1);
});

it('does not take a job that somebody else has posted under the key of a fire for its own', async () => {
  at(0, 30);
  const { id } = await stage.create({});
  const { data } = { data: contractOf('payment-process').example.payload };
  const key = `schedule:${id}:2030-05-05T12:01:00.000Z`;
  await stage.runtime.producer.accept([{ type: 'payment-process', tenantId: 't', data, idempotencyKey: key }]);
  at(1, 1);
  await sweep();
  expect(await stage.fires(id)).toMatchObject([{ status: 'fired', jobStatus: 'pending' }]);
});

it('records why a fire makes no job when its payload fits its contract no longer', async () => {
  at(0, 30);
  const { id } = await stage.create({});
  await stage.runtime.db.prisma.schedule.update({ where: { id }, data: { payload: { orderId: 'secret' } } });
  at(1, 1);
  await sweep();
  const [fire] = await stage.fires(id);
  expect(fire).toMatchObject({ status: 'skipped', reason: expect.stringContaining('amount') });
  expect(fire?.reason).not.toContain('secret');
});

it('starts the job of a fire later by the jitter of that fire', async () => {
  at(0, 30);
  const { id } = await stage.create({ jitterMs: 3_600_000 });
  const preview = await stage.schedules.preview(id, 't', { count: 1 });
  at(1, 0);
  await sweep();
  const [fire] = await stage.fires(id);
  const job = await stage.runtime.db.prisma.criticalJob.findUniqueOrThrow({ where: { id: fire?.jobId ?? '' } });
  const delay = job.runAt.getTime() - job.createdAt.getTime();
  expect(delay).toBe(Date.parse(preview?.fires[0]?.runAt ?? '') - Date.parse(fire?.fireAt ?? ''));
});

it('ends with its end, and does not fire while paused', async () => {
  at(0, 30);
  const ending = await stage.create({ endsAt: '2030-05-05T12:01:00Z' });
  const paused = await stage.create({ active: false });
  at(1, 1);
  await sweep();
  at(2, 1);
  await sweep();
  expect(await statuses(ending.id)).toEqual(['12:01 fired']);
  expect(await stage.schedules.find(ending.id, 't')).toMatchObject({ nextRun: null });
  expect(await statuses(paused.id)).toEqual([]);
});

it('fires through both changes of the clocks in New York', async () => {
  const hoursOf = async (cron: string, from: string, hours: number) => {
    clock = new Date(from);
    const { id } = await stage.create({ cron, timezone: 'America/New_York', overlap: 'allow' });
    for (let step = 0; step < hours * 2; step += 1) {
      clock = new Date(Date.parse(from) + step * 1_800_000);
      await sweep();
    }
    await stage.schedules.remove(id, null).catch(() => {});
    return stage.runtime.db.prisma.criticalJob
      .findMany({ where: { idempotencyKey: { startsWith: `schedule:${id}` } }, orderBy: { idempotencyKey: 'asc' } })
      .then((jobs) => jobs.map(({ idempotencyKey }) => idempotencyKey?.slice(-24, -8)));
  };
  // 10 March 2030: from 02:00 EST to 03:00 EDT. 3 November 2030: from 02:00 EDT to 01:00 EST.
  expect(await hoursOf('30 2 * * *', '2030-03-10T05:00:00Z', 6)).toEqual(['2030-03-10T07:30']);
  expect(await hoursOf('30 1 * * *', '2030-11-03T04:00:00Z', 6)).toEqual(['2030-11-03T05:30']);
  expect(await hoursOf('0 * * * *', '2030-11-03T04:30:00Z', 3)).toEqual([
    '2030-11-03T05:00',
    '2030-11-03T06:00',
    '2030-11-03T07:00',
  ]);
  expect(await hoursOf('0 * * * *', '2030-03-10T05:30:00Z', 3)).toEqual([
    '2030-03-10T06:00',
    '2030-03-10T07:00',
    '2030-03-10T08:00',
  ]);
});

it('never decides a time twice and never makes a second job, however sweeps, ticks and repairs run into each other', async () => {
  await stage.runtime.db.prisma.schedule.deleteMany();
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ advanceSeconds: fc.integer({ min: 0, max: 90 }), workers: fc.integer({ min: 1, max: 4 }) }),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
      fc.constantFrom('allow' as const, 'skip' as const),
      async (rounds, overlap) => {
        at(0, 30);
        const created = await Promise.all(
          [1, 2, 3].map(() => stage.create({ cron: '*/30 * * * * *', overlap, catchUp: 'all' })),
        );
        const ids = created.map(({ id }) => id);
        for (const { advanceSeconds, workers } of rounds) {
          clock = new Date(clock.getTime() + advanceSeconds * 1_000);
          await Promise.all(Array.from({ length: workers }, () => [sweep(), firing.fire(ids), repair()]).flat());
        }
        await sweep();
        const elapsed = Math.floor((clock.getTime() - start.getTime()) / 30_000) - 1;
        for (const id of ids) {
          const fires = await stage.fires(id);
          expect(fires).toHaveLength(elapsed);
          const jobs = await stage.runtime.db.prisma.criticalJob.count({
            where: { idempotencyKey: { startsWith: `schedule:${id}` } },
          });
          expect(jobs).toBe(fires.filter(({ jobId }) => jobId !== null).length);
          await stage.schedules.remove(id, null);
        }
      },
    ),
    { numRuns: 15 },
  );
}, 60_000);
