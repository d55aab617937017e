import { createLogger, createMetrics, Secret } from '@queue-service/observability';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  openRuntime,
  type Runtime,
  readQueueState,
  releaseCanary,
  startFleetWorker,
  type WorkerHost,
} from '../index.ts';
import { type ProgressWatch, watchProgress } from './watch-progress.ts';

const lines: string[] = [];
const log = createLogger({ service: 'test', level: 'error', destination: { write: (line) => lines.push(line) } });
const metrics = createMetrics({ service: 'test' });
const eventually = (look: () => unknown) => vi.waitFor(look, { timeout: 20_000, interval: 20 });
let runtime: Runtime;
let config: Parameters<typeof startFleetWorker>[0]['config'] & Parameters<typeof openRuntime>[0]['config'];
let host: WorkerHost;
let watch: ProgressWatch;
const queue = () => runtime.connections.of('background').queue;

beforeAll(async () => {
  const [{ url }, { prefix, url: redis }] = [await useDatabase(), usePrefix()];
  config = {
    ...{ DATABASE_URL: new Secret(url), DATABASE_POOL_SIZE: 3, PAYLOAD_ENCRYPTION_KEYS: [], WORKER_CONCURRENCY: 2 },
    ...{ REDIS_URL: new Secret(redis), QUEUE_PREFIX: prefix },
  };
  runtime = openRuntime({ config, applicationName: 'test', log });
  await eventually(() => expect(runtime.connections.all.every((one) => one.redis.status === 'ready')).toBe(true));
  const handler = async () => ({ accepted: true });
  host = startFleetWorker({
    ...{ runtime, queue: 'background', config, log, metrics },
    handlers: { 'analytics-track': handler, 'cleanup-old-data': handler, 'generate-report': handler } as never,
  });
  watch = watchProgress({
    host,
    connection: runtime.connections.of('background'),
    db: runtime.db,
    log,
    maxSilenceMs: 300,
    everyMs: 30,
  });
});
afterAll(async () => {
  watch.close();
  await runtime.close();
});

it('lets a canary through, which no list shows, and measures its wait', async () => {
  await eventually(async () => expect(await queue().getWorkersCount()).toBe(1));
  await releaseCanary(runtime.connections.of('background'));
  await eventually(async () =>
    expect(await metrics.text()).toMatch(/queue_canary_wait_seconds_count\{[^}]*queue="background"[^}]*\} 1/),
  );
  expect(await runtime.db.prisma.job.count()).toBe(0);
  expect(await queue().getJobCountByTypes('completed', 'failed', 'wait', 'prioritized')).toBe(0);
});

it('turns red, with the reason in the log and an incident, when it takes nothing although jobs wait', async () => {
  // What a worker that stopped silently looks like from outside: every connection of the process is well.
  await host.close(1_000);
  const event = { type: 'analytics-track' as const, tenantId: 't1', data: { anonymousId: 'a', event: 'seen' } };
  await runtime.producer.accept([event]);
  await eventually(() => expect(watch.liveness()).toMatchObject({ alive: false }));
  await eventually(() => expect(lines.join('')).toContain('although jobs wait'));
  const incidents = () => runtime.db.prisma.incident.findMany();
  await eventually(async () => expect(await incidents()).toMatchObject([{ kind: 'worker_stuck', closedAt: null }]));

  await queue().pause();
  await eventually(() => expect(watch.liveness()).toEqual({ alive: true }));
  await queue().resume();
  await eventually(() => expect(watch.liveness().alive).toBe(false));
  await queue().drain();
  await eventually(() => expect(watch.liveness().alive).toBe(true));
});

it('lets no canary through a queue without workers: it would wake those that were scaled to zero', async () => {
  await releaseCanary(runtime.connections.of('background'));
  expect(await queue().getJobCountByTypes('prioritized')).toBe(0);
});

it('does not count a canary that waits as work of its queue', async () => {
  const connection = runtime.connections.of('background');
  const { promise: released, resolve: release } = Promise.withResolvers<{ accepted: true }>();
  const busy = startFleetWorker({
    ...{ runtime, queue: 'background', config, log, metrics },
    handlers: { 'analytics-track': () => released } as never,
  });
  const state = () => readQueueState(connection, runtime.db, new Date(Date.now() + 60_000));
  const event = { type: 'analytics-track' as const, tenantId: 't1', data: { anonymousId: 'a', event: 'seen' } };
  await runtime.producer.accept([event, event]);
  await eventually(async () => expect(await state()).toMatchObject({ waiting: 0, active: 2 }));
  await releaseCanary(connection);
  expect(await queue().getJobCountByTypes('prioritized')).toBe(1);
  expect(await state()).toMatchObject({ waiting: 0, oldestWaitingMs: 0 });
  await runtime.producer.accept([event]);
  expect(await state()).toMatchObject({ waiting: 1 });
  release({ accepted: true });
  await busy.close(5_000);
});
