import { randomUUID } from 'node:crypto';
import { contractOf } from '@queue-service/contracts';
import { createLogger, createMetrics, Secret } from '@queue-service/observability';
import { insertWebhookDeliveries, listOpenIncidents, setQueuePaused } from '@queue-service/persistence';
import { openRuntime, type Runtime } from '@queue-service/queue';
import { startOwnRedis, useDatabase } from '@queue-service/sandbox/testing';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { troubleLimits } from './alerts/trouble.ts';
import { watchOnce } from './alerts/watch.ts';
import { startRelay } from './relay.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const metrics = createMetrics({ service: 'test' });
let redis: Awaited<ReturnType<typeof startOwnRedis>>;
let runtime: Runtime;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  const { url } = await useDatabase();
  redis = await startOwnRedis();
  const config = {
    DATABASE_URL: new Secret(url),
    DATABASE_POOL_SIZE: 5,
    PAYLOAD_ENCRYPTION_KEYS: [],
    REDIS_URL: new Secret(redis.url),
    QUEUE_PREFIX: 'relay',
  };
  runtime = openRuntime({ config, applicationName: 'test', log });
  await ready();
});
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});
afterAll(() => runtime.close());

function relay(): void {
  const controller = new AbortController();
  const done = startRelay({ runtime, log, metrics, signal: controller.signal, everyMs: 50 });
  stops.push(() => {
    controller.abort();
    return done;
  });
}
const ready = () =>
  vi.waitFor(() => expect(runtime.connections.all.every(({ redis }) => redis.status === 'ready')).toBe(true), 20_000);
const queue = () => runtime.connections.of('money').queue;

const recoveries = async () => (await listOpenIncidents(runtime.db)).filter(({ kind }) => kind === 'recovery');

async function accept(count: number, delayMs = 0): Promise<string[]> {
  const jobs = Array.from({ length: count }, (_, index) => ({
    type: 'payment-process' as const,
    tenantId: 't',
    data: { ...contractOf('payment-process').example.payload, orderId: `o-${index}` },
    options: { delayMs },
  }));
  const answers = await runtime.producer.accept(jobs);
  return answers.map((answer) => (answer.outcome === 'key_reused' ? '' : answer.job.id));
}

it('adds every unfinished job again after FLUSHALL, with its priority and its delay, and no finished one', async () => {
  const ids = await accept(30);
  const [later = ''] = await accept(1, 600_000);
  const [finished = ''] = ids;
  await runtime.db.prisma.criticalJob.update({
    where: { id: finished },
    data: { status: 'completed', finishedAt: new Date() },
  });
  relay();
  await vi.waitFor(async () => expect(await queue().getDelayedCount()).toBe(1), 20_000);
  expect(await recoveries()).toEqual([]);
  await runtime.connections.of('money').redis.flushall();
  await vi.waitFor(async () => {
    expect((await queue().getPrioritized()).length).toBe(29);
    expect((await queue().getDelayed()).map((job) => job.id)).toEqual([later]);
  }, 20_000);
  const known = new Set((await queue().getPrioritized()).map((job) => job.id));
  expect(ids.slice(1).every((id) => known.has(id))).toBe(true);
  expect(known.has(finished)).toBe(false);
});

it('makes one incident of the loss of a queue, which is over when none follows', async () => {
  const lost = { key: 'recovery:money', severity: 'warning', details: { queue: 'money', jobs: 30 }, closedAt: null };
  await expect.poll(recoveries).toContainEqual(expect.objectContaining(lost));
  expect(new Set((await recoveries()).map(({ key }) => key)).size).toBe((await recoveries()).length);
  const after = (minutes: number) => {
    const now = () => new Date(Date.now() + minutes * 60_000);
    return watchOnce({ runtime: { ...runtime, now }, metrics, limits: troubleLimits, leadsSince: new Date() });
  };
  await after(9);
  expect(await recoveries()).not.toEqual([]);
  await after(11);
  expect(await recoveries()).toEqual([]);
});

it('pauses a queue again that was paused when Redis lost its data, and no other', async () => {
  const { queue: background, redis: server } = runtime.connections.of('background');
  await background.pause();
  await setQueuePaused(runtime.db, { name: 'background', tier: 3 }, 'ada');
  await setQueuePaused(runtime.db, { name: 'communication', tier: 2 }, null);
  relay();
  await server.flushall();
  await vi.waitFor(async () => expect(await background.isPaused()).toBe(true), 20_000);
  expect(await runtime.connections.of('communication').queue.isPaused()).toBe(false);
  await setQueuePaused(runtime.db, { name: 'background', tier: 3 }, null);
  await background.resume();
});

it('adds deliveries of webhooks again after FLUSHALL that had a job and have not ended', async () => {
  const events = ['failed', 'pending'].map((status) => ({
    tenantId: 't',
    type: 'job.completed',
    subjectId: randomUUID(),
    webhookUrl: 'https://example.com/hook',
    body: { status },
  }));
  const [ended, pending] = await insertWebhookDeliveries(runtime.db, events);
  await runtime.db.prisma.webhookDelivery.update({ where: { id: ended?.id ?? '' }, data: { status: 'failed' } });
  const communication = runtime.connections.of('communication');
  relay();
  await vi.waitFor(async () => expect((await communication.queue.getPrioritized()).length).toBe(1), 20_000);
  await communication.redis.flushall();
  await vi.waitFor(async () => {
    expect((await communication.queue.getPrioritized()).map((job) => job.id)).toEqual([pending?.id]);
  }, 20_000);
});

it('dispatches what was accepted while Redis was away', async () => {
  await redis.stop();
  const [id = ''] = await accept(1);
  expect(id).not.toBe('');
  await redis.restart();
  await ready();
  relay();
  await vi.waitFor(async () => expect(await queue().getJob(id)).toBeTruthy(), { timeout: 20_000 });
});

it('reads only what is unfinished, by partial indexes', async () => {
  const explain = async (text: string) => JSON.stringify(await runtime.db.query('', `EXPLAIN (FORMAT JSON) ${text}`));
  await runtime.db.query(
    '',
    `INSERT INTO critical_jobs (id, queue, type, status, priority, max_attempts, timeout_ms, tenant_id, request_hash, payload, payload_version, finished_at)
    SELECT gen_random_uuid(), 'money', 'payment-process', 'completed', 7, 10, 1000, 't', '\\x00', '{}', 1, now() FROM generate_series(1, 20000)`,
  );
  await runtime.db.query(
    '',
    `INSERT INTO critical_jobs (id, queue, type, status, priority, max_attempts, timeout_ms, tenant_id, request_hash, payload, payload_version, dispatched_at, lease_until)
    SELECT gen_random_uuid(), 'money', 'payment-process', CASE WHEN n % 2 = 0 THEN 'pending' ELSE 'processing' END, 7, 10, 1000, 't', '\\x00', '{}', 1, now(), now() + interval '1 hour' FROM generate_series(1, 20000) n`,
  );
  await runtime.db.query('', 'ANALYZE critical_jobs');
  expect(
    await explain(
      `SELECT id FROM critical_jobs WHERE status = 'pending' AND dispatched_at IS NULL AND run_at < now() ORDER BY run_at LIMIT 1000`,
    ),
  ).toContain('critical_jobs_undispatched_idx');
  expect(
    await explain(
      `SELECT id FROM critical_jobs WHERE status = 'processing' AND lease_until < now() ORDER BY lease_until LIMIT 1000`,
    ),
  ).toContain('critical_jobs_leased_idx');
});
