import { type CreateFlow, contractOf, createFlowSchema, PermanentError, planFlow } from '@queue-service/contracts';
import { createLogger, createMetrics, Secret } from '@queue-service/observability';
import { type Handlers, openRuntime, type Runtime, startFleetWorker, type WorkerHost } from '@queue-service/queue';
import { startOwnRedis, useDatabase } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startFlowSweeps } from './flows.ts';
import { startRelay } from './relay.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const metrics = createMetrics({ service: 'test' });
const controller = new AbortController();
let runtime: Runtime;
let worker: WorkerHost;
let duties: Promise<unknown>;
/** By user id. */
const runs = new Map<string, number>();
/** Called at each run. */
let onRun: () => void = () => {};

const handlers: Handlers<'background'> = {
  'analytics-track': async ({ userId = '' }) => {
    runs.set(userId, (runs.get(userId) ?? 0) + 1);
    onRun();
    if (userId === 'dies') throw new PermanentError({ code: 'refused', message: 'no' });
    return contractOf('analytics-track').example.result as never;
  },
  'cleanup-old-data': async () => contractOf('cleanup-old-data').example.result as never,
  'generate-report': async () => contractOf('generate-report').example.result as never,
};

beforeAll(async () => {
  const { url } = await useDatabase();
  const redis = await startOwnRedis();
  const config = {
    DATABASE_URL: new Secret(url),
    DATABASE_POOL_SIZE: 10,
    PAYLOAD_ENCRYPTION_KEYS: [],
    REDIS_URL: new Secret(redis.url),
    QUEUE_PREFIX: 'flows',
    WORKER_CONCURRENCY: 50,
  };
  runtime = openRuntime({ config, applicationName: 'test', log });
  await vi.waitFor(() => expect(runtime.connections.all[0]?.redis.status).toBe('ready'), 20_000);
  worker = startFleetWorker({ runtime, queue: 'background', handlers, config, log, metrics });
  const duty = { runtime, log, metrics, signal: controller.signal, everyMs: 200 };
  duties = Promise.all([startRelay(duty), startFlowSweeps(duty)]);
});
afterAll(async () => {
  controller.abort();
  await duties;
  await worker.close(1_000);
  await runtime.close();
});

const track = (name: string, more: object = {}) => ({
  name,
  type: 'analytics-track',
  data: { userId: name, event: 'e' },
  ...more,
});
async function start(steps: object[]): Promise<string> {
  const planned = planFlow(createFlowSchema.parse({ steps }) as CreateFlow);
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
  const answer = await runtime.flows.create({
    ...{ plan: planned.plan, tenantId: 't', idempotencyKey: null, requestHash: '00', webhookUrl: null },
    ...{ requestId: null, traceId: null, traceparent: null },
  });
  if (answer.outcome !== 'created') throw new Error(answer.outcome);
  await runtime.ends.followUp(answer.due);
  return answer.flow.id;
}
const statusOf = async (id: string) => (await runtime.db.prisma.flow.findUniqueOrThrow({ where: { id } })).status;

it('fans out to 1,000 steps and joins them, though Redis is flushed in the middle', async () => {
  const fan = Array.from({ length: 1_000 }, (_, index) => `fan-${index}`);
  const flushed = new Promise<void>((resolve) => {
    onRun = () => {
      if (runs.size < 300) return;
      onRun = () => {};
      runtime.connections
        .of('background')
        .redis.flushall()
        .then(() => resolve(), resolve);
    };
  });
  const id = await start([
    track('root'),
    ...fan.map((name) => track(name, { dependsOn: ['root'] })),
    track('join', { dependsOn: fan }),
  ]);
  await flushed;
  await vi.waitFor(async () => expect(await statusOf(id)).toBe('completed'), { timeout: 50_000, interval: 200 });
  expect(runs.size).toBe(1_002);
  expect(runs.get('root')).toBe(1);
  expect(runs.get('join')).toBe(1);
  const flow = await runtime.flows.find(id, 't');
  expect(flow?.steps.every(({ status }) => status === 'completed')).toBe(true);
}, 60_000);

it('cancels all that was queued when a flow died, also what is more than one process does at once', async () => {
  const { queue } = runtime.connections.of('background');
  const queued = Array.from({ length: 120 }, (_, index) => `queued-${index}`);
  const id = await start([
    track('dies'),
    ...queued.map((name) => ({ ...track(name), options: { delayMs: 3_600_000 } })),
  ]);
  await vi.waitFor(async () => expect(await statusOf(id)).toBe('failed'), { timeout: 20_000 });
  expect(queued.some((name) => runs.has(name))).toBe(false);
  expect(await queue.getDelayedCount()).toBe(0);
});
