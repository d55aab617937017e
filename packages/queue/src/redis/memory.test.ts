import { contractOf } from '@queue-service/contracts';
import { createLogger, createMetrics, Secret } from '@queue-service/observability';
import { startOwnRedis, useDatabase } from '@queue-service/sandbox/testing';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openRuntime, QueueUnavailableError, type Runtime, startFleetWorker, type WorkerHost } from '../index.ts';

const log = createLogger({ service: 'test', level: 'silent' });
let runtime: Runtime;
let redis: Redis;
let worker: () => WorkerHost;

beforeAll(async () => {
  const [{ url }, server] = [await useDatabase(), await startOwnRedis()];
  const config = {
    DATABASE_URL: new Secret(url),
    DATABASE_POOL_SIZE: 4,
    PAYLOAD_ENCRYPTION_KEYS: [],
    REDIS_URL: new Secret(server.url),
    QUEUE_PREFIX: 'memory',
    WORKER_CONCURRENCY: 5,
  };
  runtime = openRuntime({ config, applicationName: 'test', log });
  redis = runtime.connections.of('communication').redis as Redis;
  await vi.waitFor(() => expect(redis.status).toBe('ready'), 20_000);
  const done = async () => contractOf('send-email').example.result as never;
  worker = () =>
    startFleetWorker({
      ...{ runtime, queue: 'communication', config, log, metrics: createMetrics({ service: 'test' }) },
      handlers: { 'send-email': done, 'send-sms': done, 'send-push': done, 'deliver-webhook': done },
    });
});
afterAll(() => runtime.close());

const field = async (section: string, name: string) =>
  Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(await redis.info(section))?.[1]);
async function accept(type: 'send-email' | 'payment-process'): Promise<string> {
  const [answer] = await runtime.producer.accept([{ type, tenantId: 't', data: contractOf(type).example.payload }]);
  return answer?.outcome === 'created' ? answer.job.id : '';
}
const limitTo = (share: number) =>
  field('memory', 'used_memory').then((used) => redis.config('SET', 'maxmemory', Math.round(used / share)));

it('refuses new mails before Redis is full, ends what is there, evicts nothing, and takes payments all the while', async () => {
  const waiting = await Promise.all(Array.from({ length: 20 }, () => accept('send-email')));
  // Large enough for connections and scripts to make no difference.
  await redis.setrange('ballast', 64 * 1_024 * 1_024, 'x');
  await limitTo(0.93);
  await vi.waitFor(() => expect(accept('send-email')).rejects.toThrow('nearly full'), 20_000);
  const keys = await redis.dbsize();
  await expect(accept('send-email')).rejects.toThrow(QueueUnavailableError);
  expect(await redis.dbsize()).toBe(keys);
  const paid = await accept('payment-process');

  const host = worker();
  for (const id of waiting) {
    await expect.poll(async () => (await runtime.reader.find(id, null))?.status).toBe('completed');
  }
  await host.close(1_000);

  // And when it is quite full.
  await limitTo(1.01);
  await expect(accept('send-email')).rejects.toThrow(QueueUnavailableError);
  const late = await accept('payment-process');
  expect([paid, late].every((id) => id !== '')).toBe(true);
  expect(await runtime.reader.find(late, null)).toMatchObject({ status: 'pending' });
  expect(await field('stats', 'evicted_keys')).toBe(0);

  await redis.config('SET', 'maxmemory', 0);
  await vi.waitFor(() => accept('send-email'), 20_000);
});
