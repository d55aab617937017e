import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { day } from '@queue-service/contracts';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { ago, openCleanupBench, type Target } from '../testing/cleanup-bench.ts';
import { seedLedger } from '../testing/seed-ledger.ts';

const { runtime, storage, folder, clean, left, empty, seedLetter, close } = await openCleanupBench();
beforeEach(() => empty());
afterAll(close);

interface TableCase {
  target: Target;
  /** False: its rows are the platform's. */
  owned: boolean;
  /** Two rows of venue-1 that have outlived 30 days, and one for each reason to stay. */
  seed(): Promise<unknown>;
  stays: number;
}

const base = {
  tenantId: 'venue-1',
  queue: 'communication',
  type: 'send-email',
  priority: 5,
  payload: {},
  payloadVersion: 1,
};
const flow = (more: object) => ({
  id: randomUUID(),
  name: 'f',
  tenantId: 'venue-1',
  requestHash: Buffer.alloc(32),
  ...more,
});

const cases: TableCase[] = [
  {
    target: 'jobs',
    owned: true,
    stays: 2,
    seed: () => {
      const job = (createdAt: Date, finishedAt: Date | null) => ({
        ...base,
        id: randomUUID(),
        status: finishedAt === null ? 'pending' : 'completed',
        maxAttempts: 3,
        createdAt,
        finishedAt,
      });
      return runtime.db.prisma.job.createMany({
        data: [job(ago(50), ago(40)), job(ago(32), ago(31)), job(ago(50), ago(29)), job(ago(50), null)],
      });
    },
  },
  {
    target: 'dead_letters',
    owned: true,
    stays: 2,
    seed: async () => {
      await seedLetter({ status: 'discarded', createdAt: ago(50), resolvedAt: ago(31) });
      await seedLetter({ status: 'open', queue: 'communication', createdAt: ago(31) });
      await seedLetter({ status: 'open', createdAt: ago(50) });
      await seedLetter({ status: 'redriven', createdAt: ago(50), resolvedAt: ago(29) });
    },
  },
  {
    target: 'flows',
    owned: true,
    stays: 3,
    seed: async () => {
      const [unfinished = ''] = await seedLedger(runtime, [{ createdAt: ago(40), finishedAt: null }]);
      const over = { createdAt: ago(50), finishedAt: ago(40), status: 'completed' };
      const flows = [
        flow(over),
        flow({ ...over, createdAt: ago(91), idempotencyKey: 'free again' }),
        flow({ ...over, idempotencyKey: 'guards' }),
        flow({ ...over, finishedAt: null, status: 'running' }),
        flow(over),
      ];
      await runtime.db.prisma.flow.createMany({ data: flows });
      const step = {
        name: 'pay',
        position: 0,
        queue: 'money',
        type: 'payment-process',
        payload: {},
        payloadVersion: 1,
        onFailure: 'fail',
      };
      await runtime.db.prisma.flowStep.createMany({
        data: flows.map(({ id }, index) => ({ ...step, flowId: id, jobId: index === 4 ? unfinished : null })),
      });
    },
  },
  {
    target: 'queue_metrics',
    owned: false,
    stays: 1,
    seed: () => {
      const counts = { queue: 'money', waiting: 0, active: 0, delayed: 0, completed: 0, failed: 0 };
      return runtime.db.prisma.queueMetric.createMany({
        data: [ago(40), ago(31), ago(29)].map((capturedAt) => ({ ...counts, capturedAt })),
      });
    },
  },
  {
    target: 'webhook_deliveries',
    owned: true,
    stays: 2,
    seed: () => {
      const delivery = (status: string, createdAt: Date) => ({
        id: randomUUID(),
        tenantId: 'venue-1',
        url: 'https://example.com',
        eventType: 'job.completed',
        subjectId: randomUUID(),
        body: {},
        status,
        createdAt,
      });
      return runtime.db.prisma.webhookDelivery.createMany({
        data: [
          delivery('delivered', ago(40)),
          delivery('failed', ago(31)),
          delivery('pending', ago(40)),
          delivery('failed', ago(29)),
        ],
      });
    },
  },
  {
    target: 'provider_events',
    owned: false,
    stays: 2,
    seed: () => {
      const event = (receivedAt: Date, processedAt: Date | null) => ({
        provider: 'stripe',
        eventId: randomUUID(),
        type: 't',
        payload: {},
        receivedAt,
        processedAt,
      });
      return runtime.db.prisma.providerEvent.createMany({
        data: [event(ago(40), ago(40)), event(ago(31), ago(31)), event(ago(40), null), event(ago(29), ago(29))],
      });
    },
  },
  {
    target: 'audit_log',
    owned: false,
    stays: 1,
    seed: () =>
      runtime.db.prisma.auditLog.createMany({
        data: [ago(40), ago(31), ago(29)].map((createdAt) => ({
          id: randomUUID(),
          actor: 'a',
          roles: [],
          tenantId: 'venue-1',
          action: 'x',
          resource: 'jobs',
          createdAt,
        })),
      }),
  },
  {
    target: 'schedule_fires',
    owned: true,
    stays: 3,
    seed: async () => {
      const schedule = (name: string, catchUpWindowMs: number) => ({
        ...base,
        id: randomUUID(),
        name,
        catchUpWindowMs: BigInt(catchUpWindowMs),
      });
      const [daily, yearly] = [schedule('daily', day), schedule('yearly', 366 * day)] as const;
      await runtime.db.prisma.schedule.createMany({ data: [daily, yearly].map(({ priority: _, ...row }) => row) });
      const fire = (scheduleId: string, fireAt: Date, status = 'fired') => ({ scheduleId, fireAt, status });
      await runtime.db.prisma.scheduleFire.createMany({
        data: [
          fire(daily.id, ago(40)),
          fire(daily.id, ago(31), 'skipped'),
          fire(daily.id, ago(35), 'due'),
          fire(daily.id, ago(29)),
          fire(yearly.id, ago(40)),
        ],
      });
    },
  },
];

it.each(cases)(
  'removes of $target what has outlived its retention and nothing else',
  async ({ target, owned, seed: seedTable, stays }) => {
    await seedTable();
    const before = await left(target);
    expect(before).toBe(2 + stays);
    const others = clean(target, 30, { tenantId: 'venue-2' });
    if (owned) expect(await others).toMatchObject({ removed: 0 });
    else await expect(others).rejects.toMatchObject({ name: 'PermanentError', code: 'platform_only' });
    expect(await clean(target, 30, { dryRun: true })).toEqual({ target, matched: 2, removed: 0, dryRun: true });
    expect(await left(target)).toBe(before);
    const removed = await clean(target, 30, { tenantId: owned ? 'venue-1' : 'platform', batchSize: 1 });
    expect(removed).toEqual({ target, matched: 2, removed: 2, dryRun: false });
    expect(await left(target)).toBe(stays);
  },
);

it('takes the files of old reports away and keeps the rows, which say so', async () => {
  const reports = [ago(40), ago(29)].map((createdAt) => {
    const id = randomUUID();
    return {
      id,
      jobId: id,
      tenantId: 'venue-1',
      kind: 'settlement',
      format: 'csv',
      fromTime: createdAt,
      toTime: createdAt,
      location: `${id}.csv`,
      rows: 1,
      bytes: 1n,
      createdAt,
    };
  });
  await runtime.db.prisma.report.createMany({ data: reports });
  for (const { location } of reports)
    await storage.put(location, Readable.from(['x']), 'text/csv', new AbortController().signal);
  expect(await clean('reports', 30, { dryRun: true })).toMatchObject({ matched: 1, removed: 0 });
  expect(await clean('reports', 30)).toMatchObject({ matched: 1, removed: 1 });
  expect(await clean('reports', 30)).toMatchObject({ matched: 0 });
  expect(await readdir(folder)).toEqual([reports[1]?.location]);
  const rows = await runtime.db.prisma.report.findMany({ orderBy: { createdAt: 'asc' } });
  expect(rows.map(({ deletedAt }) => deletedAt !== null)).toEqual([true, false]);
});

it('cleans ended jobs out of Redis in bounded steps, and no others', async () => {
  const { queue, redis } = runtime.connections.of('background');
  const made = await queue.addBulk(
    Array.from({ length: 2_500 }, (_, n) => ({ name: 'x', data: {}, opts: { jobId: `j-${n}` } })),
  );
  // As if a worker had ended them: 2,200 long ago, 200 now; 100 wait.
  const pipeline = redis.pipeline();
  made.slice(0, 2_400).forEach((job, n) => {
    const endedAt = n < 2_200 ? ago(3).getTime() : Date.now();
    pipeline.lrem(queue.toKey('wait'), 1, job.id ?? '');
    pipeline.zadd(queue.toKey(n % 2 === 0 ? 'completed' : 'failed'), endedAt, job.id ?? '');
    pipeline.hset(queue.toKey(job.id ?? ''), 'finishedOn', endedAt);
  });
  await pipeline.exec();
  expect(await clean('redis_finished', 2, { dryRun: true })).toMatchObject({ matched: 2_200, removed: 0 });
  expect(await clean('redis_finished', 2)).toMatchObject({ matched: 2_200, removed: 2_200 });
  expect(await queue.getJobCounts('wait', 'completed', 'failed')).toEqual({ wait: 100, completed: 100, failed: 100 });
  await expect(clean('redis_finished', 2, { tenantId: 'venue-1' })).rejects.toMatchObject({ code: 'platform_only' });
});
