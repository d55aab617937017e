import { startOwnRedis, useDatabase } from '@queue-service/sandbox/testing';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { log, openStage, type Stage } from '../testing/schedules.ts';
import { startSchedules } from './index.ts';

let redis: Awaited<ReturnType<typeof startOwnRedis>>;
let stage: Stage;
const stops: (() => Promise<void>)[] = [];
/** What is promised after a FLUSHALL. */
const backWithinMs = 10_000;
const patient = { timeout: 20_000, interval: 50 };

beforeAll(async () => {
  const { url } = await useDatabase();
  redis = await startOwnRedis();
  stage = openStage({ databaseUrl: url, redisUrl: redis.url, prefix: 'schedules' });
  await ready();
});
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
  await stage.runtime.db.prisma.schedule.deleteMany();
});
afterAll(() => stage.runtime.close());

const ready = () => vi.waitFor(() => expect(stage.runtime.connections.all[0]?.redis.status).toBe('ready'), patient);
const background = () => stage.runtime.connections.of('background');
const ticks = () => background().redis.zcard('schedules:schedules:delayed');
const fired = async (id: string) => (await stage.fires(id)).filter(({ status }) => status === 'fired');

/** A scheduler; several may run. The answer stops it. */
function scheduler(sweepEveryMs = 100): () => Promise<void> {
  const controller = new AbortController();
  const { runtime, metrics } = stage;
  const done = startSchedules({ runtime, log, metrics, signal: controller.signal, sweepEveryMs });
  const stop = () => {
    controller.abort();
    return done;
  };
  stops.push(stop);
  return stop;
}

it('fires each second once, with two schedulers at work', async () => {
  const { id } = await stage.create({ cron: '* * * * * *', overlap: 'allow' });
  scheduler();
  scheduler();
  await vi.waitFor(async () => expect((await fired(id)).length).toBeGreaterThanOrEqual(5), patient);
  await Promise.all(stops.splice(0).map((stop) => stop()));
  const times = (await fired(id)).map(({ fireAt }) => Date.parse(fireAt));
  expect(times.slice(1).every((time, index) => time - (times[index] as number) === 1_000)).toBe(true);
  const jobs = await stage.runtime.db.prisma.criticalJob.count({
    where: { idempotencyKey: { startsWith: `schedule:${id}` } },
  });
  expect(jobs).toBe(times.length);
});

it('fires by ticks from BullMQ, without the sweep', async () => {
  const { id } = await stage.create({ cron: '* * * * * *', overlap: 'allow' });
  scheduler(3_600_000); // One sweep at the start, none after.
  await vi.waitFor(async () => expect((await fired(id)).length).toBeGreaterThanOrEqual(3), patient);
});

it('keeps ticks only of what fires soon, and one a schedule', async () => {
  await stage.create({ everyMs: 30_000 });
  await stage.create({ everyMs: 45_000 });
  await stage.create({ everyMs: 3_600_000 });
  scheduler();
  await vi.waitFor(async () => expect(await ticks()).toBe(2), patient);
});

it('has all ticks back after FLUSHALL, and fires on', async () => {
  const often = await stage.create({ cron: '* * * * * *', overlap: 'allow' });
  for (let n = 0; n < 50; n += 1) await stage.create({ everyMs: 50_000 + n });
  scheduler();
  await vi.waitFor(async () => expect(await ticks()).toBeGreaterThanOrEqual(50), patient);
  await background().redis.flushall();
  const before = (await fired(often.id)).length;
  await vi.waitFor(
    async () => {
      expect(await ticks()).toBeGreaterThanOrEqual(50);
      expect((await fired(often.id)).length).toBeGreaterThan(before + 1);
    },
    { timeout: backWithinMs, interval: 50 },
  );
});

it('puts jobs back that a FLUSHALL took with it before they ran, and none that had ended', async () => {
  await background().queue.pause();
  const schedule = {
    type: 'analytics-track',
    data: { userId: 'u', event: 'e' },
    everyMs: 1_000,
    overlap: 'allow',
  } as const;
  const { id } = await stage.create(schedule);
  const stop = scheduler();
  await vi.waitFor(async () => expect((await fired(id)).length).toBeGreaterThanOrEqual(2), patient);
  await stop();
  const [lost, ended] = (await fired(id)).map(({ jobId }) => jobId as string);
  await vi.waitFor(() =>
    stage.runtime.db.prisma.job.update({
      where: { id: ended ?? '' },
      data: { status: 'completed', finishedAt: new Date() },
    }),
  );
  await background().redis.flushall();
  scheduler();
  await vi.waitFor(async () => expect(await background().queue.getJob(lost ?? '')).toBeTruthy(), patient);
  expect(await background().queue.getJob(ended ?? '')).toBeUndefined();
});

it('decides while Redis is away, and hands over when it is back', async () => {
  const { id } = await stage.create({
    type: 'analytics-track',
    data: { userId: 'u', event: 'e' },
    everyMs: 1_000,
    overlap: 'allow',
  });
  scheduler();
  await redis.stop();
  await vi.waitFor(
    async () => expect((await stage.fires(id)).filter(({ status }) => status === 'due').length).toBeGreaterThan(1),
    patient,
  );
  await redis.restart();
  await vi.waitFor(
    async () => expect((await stage.fires(id)).slice(0, 2).map(({ status }) => status)).toEqual(['fired', 'fired']),
    patient,
  );
});

it('fires money on while every Redis is away, and can be stopped then', async () => {
  const { id } = await stage.create({ everyMs: 1_000, overlap: 'allow' });
  const stop = scheduler();
  await redis.stop();
  const before = (await fired(id)).length;
  await vi.waitFor(async () => expect((await fired(id)).length).toBeGreaterThan(before + 1), patient);
  await stop();
  await redis.restart();
  await ready();
});
