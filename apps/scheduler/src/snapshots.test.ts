import { contractOf, type JobType } from '@queue-service/contracts';
import { insertQueueMetrics, listQueueMetrics, type QueueMetricRow } from '@queue-service/persistence';
import { readQueueState } from '@queue-service/queue';
import { startOwnRedis, useDatabase } from '@queue-service/sandbox/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { resolution, rollUp, spanEnd, startSnapshots, takeSnapshot } from './snapshots.ts';
import { log, openStage, type Stage } from './testing/schedules.ts';

let redis: Awaited<ReturnType<typeof startOwnRedis>>;
let stage: Stage;
const { signal } = new AbortController();
const patient = { timeout: 20_000, interval: 50 };

beforeAll(async () => {
  const { url } = await useDatabase();
  redis = await startOwnRedis();
  stage = openStage({ databaseUrl: url, redisUrl: redis.url, prefix: 'snapshots' });
  await ready();
});
afterEach(async () => {
  await stage.runtime.connections.of('money').redis.flushall();
  await stage.runtime.db.prisma.criticalJob.deleteMany();
  await stage.runtime.db.prisma.job.deleteMany();
  await stage.runtime.db.prisma.queueMetric.deleteMany();
});
afterAll(() => stage.runtime.close());

const ready = () => vi.waitFor(() => expect(stage.runtime.connections.all[0]?.redis.status).toBe('ready'), patient);
const stateOf = (queue: 'money' | 'communication' | 'background') =>
  readQueueState(stage.runtime.connections.of(queue), stage.runtime.db, new Date());
const options = () => ({ runtime: stage.runtime, log, metrics: stage.metrics, signal });

async function accept(type: JobType, given: { priority?: number; delayMs?: number } = {}): Promise<string> {
  const data = contractOf(type).payload.parse(contractOf(type).example.payload);
  const [answer] = await stage.runtime.producer.accept([{ type, tenantId: 't', data, options: given }]);
  if (answer?.outcome !== 'created') throw new Error('not accepted');
  return answer.job.id;
}

describe('the state of a queue', () => {
  it('counts what waits in every priority, what is delayed, and says that it is paused', async () => {
    await Promise.all([1, 5, 10].map((priority) => accept('payment-process', { priority })));
    await accept('payment-process', { delayMs: 60_000 });
    await stage.runtime.connections.of('money').queue.pause();
    expect(await stateOf('money')).toMatchObject({ waiting: 3, delayed: 1, active: 0, paused: true });
    expect(await stateOf('background')).toMatchObject({ waiting: 0, paused: false, oldestWaitingMs: 0 });
  });

  it('knows the oldest job by when it was due, whatever its priority', async () => {
    await accept('payment-process', { priority: 10 });
    const old = await accept('payment-process', { priority: 1 });
    await accept('payment-process', { priority: 1 });
    await stage.runtime.db.prisma.criticalJob.update({
      where: { id: old },
      data: { runAt: new Date(Date.now() - 3_600_000) },
    });
    const { oldestWaitingMs } = await stateOf('money');
    expect(Math.round(oldestWaitingMs / 60_000)).toBe(60);
  });

  it('knows it of jobs that have no row, too', async () => {
    const { queue, redis } = stage.runtime.connections.of('background');
    await accept('analytics-track', { priority: 9 });
    const old = await accept('analytics-track', { priority: 2 });
    await redis.hset(queue.toKey(old), 'timestamp', Date.now() - 7_200_000);
    expect(Math.round((await stateOf('background')).oldestWaitingMs / 60_000)).toBe(120);
  });

  it('is read by as many commands with many jobs as with few', async () => {
    const { queue, redis } = stage.runtime.connections.of('background');
    const commandsFor = async () => {
      await redis.config('RESETSTAT');
      await stateOf('background');
      return Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1]);
    };
    const add = (count: number) =>
      queue.addBulk(
        Array.from({ length: count }, () => ({ name: 'analytics-track', data: {}, opts: { priority: 6 } })),
      );
    await add(50);
    const few = await commandsFor();
    await add(5_000);
    expect(await commandsFor()).toBe(few);
  });
});

it('captures each queue once a span, with what happened in it', async () => {
  const ids = await Promise.all([1, 2, 3, 4].map(() => accept('payment-process')));
  const now = new Date();
  const until = new Date(spanEnd(now.getTime()) + 2 * resolution * 1_000); // A span that holds all of it.
  const within = new Date(until.getTime() - 1_000);
  await stage.runtime.db.prisma.criticalJob.updateMany({ data: { createdAt: within } });
  for (const [index, status] of ['completed', 'completed', 'failed'].entries()) {
    await stage.runtime.db.prisma.criticalJob.update({
      where: { id: ids[index] ?? '' },
      data: { status, finishedAt: within },
    });
  }
  await Promise.all([takeSnapshot(options(), until), takeSnapshot(options(), until)]);
  const rows = await listQueueMetrics(stage.runtime.db, 'money', new Date(0), new Date(until.getTime() + 1), 10);
  expect(rows).toMatchObject([
    { resolution: 15, waiting: 4, active: 0, completed: 2, failed: 1, enqueued: 4, capturedAt: until },
  ]);
  expect(await stage.runtime.db.prisma.queueMetric.count()).toBe(3);
  expect(await stage.metrics.text()).toContain('queue_service_queue_depth{queue="money",state="waiting",app="test"} 4');
});

it('counts what ended in a span by an index', async () => {
  await stage.runtime.db.query(
    '',
    `INSERT INTO critical_jobs (id, queue, type, status, priority, max_attempts, timeout_ms, tenant_id, request_hash, payload, payload_version, finished_at)
     SELECT gen_random_uuid(), 'money', 'payment-process', 'completed', 7, 10, 1000, 't', '\\x00', '{}', 1, now() - n * interval '1 second'
     FROM generate_series(1, 20000) n`,
  );
  await stage.runtime.db.query('', 'ANALYZE critical_jobs');
  const plan = await stage.runtime.db.query(
    '',
    `EXPLAIN (FORMAT JSON) SELECT count(*) FROM critical_jobs WHERE finished_at >= now() - interval '15 seconds' AND finished_at < now()`,
  );
  expect(JSON.stringify(plan)).toContain('critical_jobs_finished_idx');
});

it('goes on when Redis is back, and stops measuring when it ends', async () => {
  const controller = new AbortController();
  await redis.stop();
  const done = startSnapshots({ ...options(), signal: controller.signal });
  await redis.restart();
  await ready();
  await vi.waitFor(async () => expect(await stage.runtime.db.prisma.queueMetric.count()).toBeGreaterThanOrEqual(3), {
    timeout: 30_000,
    interval: 100,
  });
  controller.abort();
  await done;
  expect(await stage.metrics.text()).not.toContain('queue_service_queue_depth{');
}, 60_000);

describe('old captures', () => {
  const now = new Date('2030-05-05T12:00:00Z');
  const ago = (days: number, seconds = 0) => new Date(now.getTime() - days * 86_400_000 + seconds * 1_000);
  const row = (capturedAt: Date, given: Partial<QueueMetricRow> = {}): QueueMetricRow => ({
    queue: 'money',
    resolution: 15,
    waiting: 1,
    active: 1,
    delayed: 0,
    completed: 10,
    failed: 1,
    enqueued: 11,
    paused: false,
    oldestWaitingMs: 100,
    capturedAt,
    ...given,
  });
  const kept = async () =>
    (await listQueueMetrics(stage.runtime.db, 'money', new Date(0), new Date(now.getTime() + 1), 1_000)).map(
      ({ queue: _, ...rest }) => rest,
    );

  it('become 5 minutes after a day: the highest states, the sum of what happened', async () => {
    const spans = Array.from({ length: 20 }, (_, index) =>
      row(ago(2, (index + 1) * 15), { waiting: index, paused: index === 3, oldestWaitingMs: index * 1_000 }),
    );
    await insertQueueMetrics(stage.runtime.db, [...spans, row(ago(0, -15))]);
    await rollUp(stage.runtime, now);
    await rollUp(stage.runtime, now);
    expect(await kept()).toMatchObject([
      {
        resolution: 300,
        capturedAt: ago(2, 300),
        waiting: 19,
        completed: 200,
        failed: 20,
        enqueued: 220,
        paused: true,
        oldestWaitingMs: 19_000,
      },
      { resolution: 15, completed: 10 },
    ]);
  });

  it('wait until their interval is whole', async () => {
    await insertQueueMetrics(stage.runtime.db, [row(ago(1, -15)), row(ago(1, 0)), row(ago(1, 15))]);
    await rollUp(stage.runtime, new Date(now.getTime() + 20_000));
    expect(await kept()).toMatchObject([{ resolution: 300, completed: 20, capturedAt: ago(1) }, { resolution: 15 }]);
  });

  it('become an hour after 14 days, and are gone after 90', async () => {
    const spans = Array.from({ length: 12 }, (_, index) => row(ago(20, (index + 1) * 300), { resolution: 300 }));
    await insertQueueMetrics(stage.runtime.db, [...spans, row(ago(91), { resolution: 3_600 })]);
    await rollUp(stage.runtime, now);
    expect(await kept()).toMatchObject([{ resolution: 3_600, capturedAt: ago(20, 3_600), completed: 120 }]);
  });
});
