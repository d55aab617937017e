import { contractOf } from '@queue-service/contracts';
import { createMetrics } from '@queue-service/observability';
import { setTenantLimits, type TenantLimits } from '@queue-service/persistence';
import { startOwnRedis } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startFleetWorker } from '../fleet.ts';
import type { WorkerHost } from '../host/worker-host.ts';
import type { Runtime } from '../runtime.ts';
import { quick } from '../testing/fleet-process.ts';
import { type FleetProcess, spawnFleet } from '../testing/spawn-fleet.ts';
import { publishLimits, readLimits } from './limits.ts';
import { enterQueue } from './tend-queue.ts';
import { servedQueue, silent, type TestConfig, testRuntime, times } from './testing/served-queue.ts';

let runtime: Runtime;
let config: TestConfig;
let databaseUrl: string;
let redis: Awaited<ReturnType<typeof startOwnRedis>>;
const workers: WorkerHost[] = [];
let other: FleetProcess | undefined;
beforeAll(async () => {
  redis = await startOwnRedis();
  ({ runtime, config, databaseUrl } = await testRuntime(redis.url));
  // Before the workers start, which else know of it within a second.
  await limit('paced', { maxPerSecond: 20 });
  await limit('capped', { maxRunning: 2 });
  await limit('ghosts', { maxRunning: 2 });
  await limit('changed', { maxRunning: 1 });
});
afterAll(async () => {
  other?.child.kill('SIGKILL');
  await Promise.all(workers.map((worker) => worker.close(1_000)));
  await runtime.close();
});

async function limit(tenantId: string, limits: Partial<TenantLimits>): Promise<void> {
  const none = { weight: 1, maxRunning: null, maxPerSecond: null };
  await setTenantLimits(runtime.db, { tenantId, ...none, ...limits }, 'test');
  await publishLimits(runtime.connections.of('background'), await readLimits(runtime.db));
}

async function post(tenantId: string, event: string, count = 1): Promise<string[]> {
  const answers = await Promise.all(
    times(count, tenantId).map((tenant) =>
      runtime.producer.accept([{ type: 'analytics-track', tenantId: tenant, data: { userId: 'u', event } }]),
    ),
  );
  return answers.flat().map((answer) => {
    if (answer.outcome !== 'created') throw new Error(answer.outcome);
    return answer.job.id;
  });
}

/** What runs in the workers of this process, by tenant. */
const running = new Map<string, number>();
const peak = new Map<string, number>();
let released = Promise.resolve();

function startWorker(): void {
  const handler = async (_payload: unknown, { tenantId }: { tenantId: string }) => {
    const now = (running.get(tenantId) ?? 0) + 1;
    running.set(tenantId, now);
    peak.set(tenantId, Math.max(peak.get(tenantId) ?? 0, now));
    await released;
    await new Promise((resolve) => setImmediate(resolve));
    running.set(tenantId, (running.get(tenantId) ?? 1) - 1);
    return contractOf('analytics-track').example.result;
  };
  const handlers = { 'analytics-track': handler, 'cleanup-old-data': handler, 'generate-report': handler } as never;
  const metrics = createMetrics({ service: 'test' });
  workers.push(
    startFleetWorker({ runtime, queue: 'background', config, log: silent, metrics, timing: quick, handlers }),
  );
}

const endOf = (ids: readonly string[]) =>
  expect
    .poll(
      async () => {
        const jobs = await Promise.all(ids.map((id) => runtime.reader.find(id, null)));
        return jobs.map((job) => `${job?.status} ${job?.attempts}`);
      },
      { timeout: 40_000 },
    )
    .toEqual(ids.map(() => 'completed 1'));

it('lets no more than a rate start, whatever waits, and the others pass', async () => {
  const queue = servedQueue(runtime, config, 'background');
  let now = Date.now();
  const waiting = new Set(await queue.add(times(60, 'paced')));
  await queue.add(times(3, 'free'));
  expect(await queue.connection.queue.getJobCounts('delayed', 'prioritized')).toEqual({ delayed: 58, prioritized: 5 });
  const startedBy: number[] = [];
  for (let started = 0; waiting.size > 0; ) {
    for (let job = await queue.worker.getNextJob('token'); job !== undefined; ) {
      const id = job.id as string;
      if (waiting.delete(id)) {
        const may = await enterQueue(queue.connection, [{ id, tenantId: 'paced', priority: 5 }], new Date(now));
        expect(may).toEqual([true]);
        started += 1;
      }
      await job.moveToCompleted(null, 'token', false);
      job = await queue.worker.getNextJob('token');
    }
    startedBy.push(started);
    now += 100;
    await queue.tend(new Date(now));
  }
  // Two at once, then one in 50 ms: 60 in 2.9 s, and no second with more than 22.
  expect(startedBy.length).toBe(30);
  for (let at = 10; at < startedBy.length; at += 1)
    expect((startedBy[at] ?? 0) - (startedBy[at - 10] ?? 0)).toBeLessThanOrEqual(22);
  await queue.close();
});

it('lets no more than a cap run over all workers, also when one of them is killed, and the others pass', async () => {
  const killed = spawnFleet({
    ...{ queues: ['background'], databaseUrl, redisUrl: redis.url, prefix: config.QUEUE_PREFIX, concurrency: 5 },
  });
  other = killed;
  const hanging = await post('capped', 'hang', 5);
  const began = () => killed.lines.filter(({ what }) => what === 'hang').length;
  await expect.poll(began, { timeout: 60_000 }).toBe(2);
  startWorker();
  await endOf(await post('neighbour', 'passes', 20));
  expect([began(), peak.get('capped') ?? 0]).toEqual([2, 0]);
  killed.child.kill('SIGKILL');
  await killed.exited;
  await endOf(hanging);
  expect(peak.get('capped')).toBeLessThanOrEqual(2);
  const { queue, redis: client } = runtime.connections.of('background');
  expect(await client.keys(queue.toKey('fair:*capped'))).not.toContain(queue.toKey('fair:lobby:capped'));
}, 120_000);

it('does not keep the slots of jobs that are no more', async () => {
  const { queue, redis: client } = runtime.connections.of('background');
  await client.zadd(queue.toKey('fair:running:ghosts'), 0, 'gone-1', 0, 'gone-2');
  await endOf(await post('ghosts', 'passes', 3));
}, 60_000);

it('follows a cap that is changed while jobs wait, without a restart', async () => {
  let release = () => {};
  released = new Promise((resolve) => {
    release = resolve;
  });
  startWorker();
  const ids = await post('changed', 'waits', 4);
  await expect.poll(() => running.get('changed')).toBe(1);
  const { queue } = runtime.connections.of('background');
  await expect.poll(() => queue.getDelayedCount()).toBe(3);
  await limit('changed', { maxRunning: 3 });
  await expect.poll(() => running.get('changed')).toBe(3);
  expect(await queue.getDelayedCount()).toBe(1);
  await limit('changed', {});
  await expect.poll(() => running.get('changed')).toBe(4);
  release();
  await endOf(ids);
}, 60_000);

it('works on after a FLUSHALL, with the limits as they were', async () => {
  const { queue, redis: client } = runtime.connections.of('background');
  await client.flushall();
  await expect.poll(() => client.hget(queue.toKey('fair:limits'), 'capped')).toBe('1 2 -');
  peak.delete('capped');
  await endOf(await post('capped', 'passes', 10));
  expect(peak.get('capped')).toBeLessThanOrEqual(2);
}, 60_000);
