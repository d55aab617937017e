import { createMetrics } from '@queue-service/observability';
import { type Runtime, startFleetWorker, type WorkerHost } from '@queue-service/queue';
import { startSegment } from '@queue-service/sandbox';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { createBackgroundHandlers } from '../handlers.ts';
import { openSegment, type Segment } from '../segment/segment.ts';
import { openTestRuntime, testLog } from '../testing/test-runtime.ts';

let runtime: Runtime;
let config: Awaited<ReturnType<typeof openTestRuntime>>['config'];
let sandbox: Awaited<ReturnType<typeof startSegment>>;
const fleet: { worker: WorkerHost; segment: Segment }[] = [];

beforeAll(async () => {
  ({ runtime, config } = await openTestRuntime());
  sandbox = await startSegment();
});
afterEach(async () => {
  for (const { worker, segment } of fleet.splice(0)) {
    await worker.close(1_000);
    await segment.close(1_000);
  }
  sandbox.reset();
});
afterAll(async () => {
  await runtime.close();
  await sandbox.stop();
});

function startWorker(concurrency = 10) {
  const segment = openSegment({ writeKey: 'key', host: sandbox.url, maxBatch: concurrency, flushIntervalMs: 20 });
  const worker = startFleetWorker({
    runtime,
    queue: 'background',
    handlers: createBackgroundHandlers({ runtime, segment, storage: null, publicUrl: null }),
    config: { ...config, WORKER_CONCURRENCY: concurrency },
    log: testLog,
    metrics: createMetrics({ service: 'test' }),
  });
  const started = { worker, segment };
  fleet.push(started);
  return started;
}

async function post(count: number, data: object = {}): Promise<string[]> {
  const answers = await runtime.producer.accept(
    Array.from({ length: count }, (_, n) => ({
      type: 'analytics-track' as const,
      tenantId: 't1',
      data: { userId: `user-${n}`, event: 'Ticket Purchased', properties: { seats: n }, ...data },
    })),
  );
  return answers.map((answer) => ('job' in answer ? answer.job.id : answer.jobId));
}
/** The jobs as history tells of their end. */
const finished = (ids: readonly string[]) =>
  vi.waitFor(
    async () => {
      const jobs = await runtime.db.prisma.job.findMany({ where: { id: { in: [...ids] }, finishedAt: { not: null } } });
      expect(jobs).toHaveLength(ids.length);
      return jobs;
    },
    { timeout: 20_000, interval: 50 },
  );
const tracked = () =>
  sandbox
    .events()
    .map((event) => event.messageId)
    .sort();

it('tracks each job once, under its id, at the time it was posted', async () => {
  startWorker();
  const ids = await post(50);
  const jobs = await finished(ids);
  expect(new Set(jobs.map(({ status }) => status))).toEqual(new Set(['completed']));
  expect(tracked()).toEqual([...ids].sort());
  expect(sandbox.duplicates).toBe(0);
  const [first] = ids;
  const job = jobs.find(({ id }) => id === first);
  expect(job?.result).toEqual({ messageId: first });
  expect(sandbox.events().find(({ messageId }) => messageId === first)).toMatchObject({
    userId: 'user-0',
    properties: { seats: 0 },
    timestamp: job?.createdAt.toISOString(),
  });
});

it('keeps the attempts of a job that Segment asks patience of', async () => {
  startWorker();
  sandbox.faults.add({ do: { kind: 'status', status: 429, headers: { 'Retry-After': '1' } } });
  const [id = ''] = await post(1);
  expect(await finished([id])).toMatchObject([{ status: 'completed', attempts: 1 }]);
});

it('dead-letters an event that Segment refuses, with the reason', async () => {
  startWorker();
  sandbox.faults.add({ times: 'always', do: { kind: 'status', status: 401 } });
  const [id = ''] = await post(1);
  expect(await finished([id])).toMatchObject([{ status: 'failed' }]);
  expect(await runtime.db.prisma.deadLetter.findUnique({ where: { jobId: id } })).toMatchObject({
    reason: 'permanent',
    error: { code: 'provider_authentication_failed' },
  });
});

it('ends the events that are under way when it is stopped, and leaves the others in the queue', async () => {
  sandbox.faults.add({ times: 'always', do: { kind: 'hold', gate: 'stop' } });
  const ids = await post(40);
  const { worker, segment } = startWorker(10);
  await vi.waitFor(() => expect(sandbox.faults.list()[0]?.used).toBeGreaterThan(0), { timeout: 20_000 });
  const closed = worker.close(20_000);
  sandbox.faults.clear();
  sandbox.faults.release('stop');
  await closed;
  await segment.close(1_000);
  const done = tracked();
  expect(done.length).toBeGreaterThan(0);
  expect(done.length).toBeLessThan(40);
  const states = await Promise.all(ids.map(async (id) => ({ id, job: await runtime.reader.find(id, null) })));
  expect(states.flatMap(({ id, job }) => (job?.status === 'completed' ? [id] : [])).sort()).toEqual(done);

  startWorker(10);
  await finished(ids);
  expect(tracked()).toEqual([...ids].sort());
  expect(sandbox.duplicates).toBe(0);
});

it('loses nothing when its grace is over before Segment answers', async () => {
  sandbox.faults.add({ times: 'always', do: { kind: 'hold', gate: 'hang' } });
  const ids = await post(20);
  const { worker, segment } = startWorker(5);
  await vi.waitFor(() => expect(sandbox.faults.list()[0]?.used).toBeGreaterThan(0), { timeout: 20_000 });
  await worker.close(0);
  const closed = segment.close(50);
  sandbox.faults.clear();
  sandbox.faults.release('hang');
  await closed;

  startWorker(5);
  const jobs = await finished(ids);
  expect(tracked()).toEqual([...ids].sort());
  expect(new Set(jobs.map(({ status, attempts }) => `${status} ${attempts}`))).toEqual(new Set(['completed 1']));
});
