import type { JobResource } from '@queue-service/contracts';
import { createLogger, Secret } from '@queue-service/observability';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openRuntime, type Runtime } from '../index.ts';
import { type FleetProcess, spawnFleet } from '../testing/spawn-fleet.ts';
import { markCancelled } from '../tiers/job-marks.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const queues = ['money', 'communication', 'background'] as const;
let runtime: Runtime;
let fleet: FleetProcess;
let start: () => FleetProcess;

beforeAll(async () => {
  const [{ url: databaseUrl }, { prefix, url: redisUrl }] = [await useDatabase(), usePrefix()];
  runtime = openRuntime({
    config: {
      DATABASE_URL: new Secret(databaseUrl),
      DATABASE_POOL_SIZE: 4,
      PAYLOAD_ENCRYPTION_KEYS: [{ id: 'k', key: Buffer.alloc(32, 7) }],
      REDIS_URL: new Secret(redisUrl),
      QUEUE_PREFIX: prefix,
    },
    applicationName: 'test',
    log,
  });
  start = () => spawnFleet({ queues: [...queues], databaseUrl, redisUrl, prefix, concurrency: 4 });
  fleet = start();
  await eventually(() => expect(fleet.lines).toContainEqual({ started: true }));
  await eventually(() => expect(runtime.connections.all.every(({ redis }) => redis.status === 'ready')).toBe(true));
}, 70_000);
afterAll(async () => {
  fleet.child.kill('SIGKILL');
  await runtime.close();
});

const eventually = <T>(look: () => T | Promise<T>) => vi.waitFor(look, { timeout: 60_000, interval: 50 });
const typeOf = { money: 'payment-process', communication: 'send-email', background: 'analytics-track' } as const;
async function post(queue: (typeof queues)[number], what: string, options: object = {}): Promise<string> {
  const data = {
    money: { orderId: what, amount: 100, currency: 'eur', paymentMethodId: 'pm_card_visa' },
    communication: { to: 'ada@example.com', subject: what, text: 'x' },
    background: { anonymousId: 'a', event: what },
  }[queue];
  const [answer] = await runtime.producer.accept([{ type: typeOf[queue], tenantId: 't1', data, options }]);
  if (answer?.outcome !== 'created') throw new Error('not accepted');
  return answer.job.id;
}
const cancel = (id: string) => runtime.cancelJob(id, null);
const began = (id: string) =>
  eventually(() => expect(fleet.lines).toContainEqual(expect.objectContaining({ began: id })));
const ended = (id: string): Promise<JobResource> =>
  eventually(async () => {
    const job = await runtime.reader.find(id, null);
    expect(job?.finishedAt).toBeTruthy();
    return job as JobResource;
  });
const cancelled = { status: 'cancelled', attempts: 0, error: { code: 'cancelled', message: 'Cancelled on request' } };

it.each(queues)('stops a job of %s that runs in another process, uses no attempt, and does so once', async (queue) => {
  const id = await post(queue, 'hang');
  await began(id);
  // Its worker may be faster than the second look of who asked.
  const { outcome } = await cancel(id);
  expect(['requested', 'cancelled']).toContain(outcome);
  expect(await ended(id)).toMatchObject(cancelled);
  expect(await cancel(id)).toMatchObject({ outcome: 'cancelled' });
  expect(fleet.lines.filter((line) => line['began'] === id)).toHaveLength(1);
});

it('ends a waiting, delayed or scheduled job at once, and tells what had another end', async () => {
  for (const queue of queues) {
    const id = await post(queue, 'never', { delayMs: 60_000 });
    expect(await cancel(id)).toMatchObject({ outcome: 'cancelled', job: cancelled });
    const done = await post(queue, 'quick');
    await ended(done);
    expect(await cancel(done)).toMatchObject({ outcome: 'ended', job: { status: 'completed', attempts: 1 } });
  }
  expect(await cancel(crypto.randomUUID())).toEqual({ outcome: 'not_found' });
});

it('honours a mark whose message nobody heard', async () => {
  const id = await post('communication', 'hang');
  await began(id);
  expect(await markCancelled(runtime.connections.of('communication'), id)).toBe(true);
  expect(await ended(id)).toMatchObject(cancelled);
});

it('honours a mark when the worker died with the job', async () => {
  const id = await post('background', 'hang');
  await began(id);
  fleet.child.kill('SIGSTOP');
  await cancel(id);
  fleet.child.kill('SIGKILL');
  fleet = start();
  expect(await ended(id)).toMatchObject(cancelled);
  expect(fleet.lines).not.toContainEqual(expect.objectContaining({ began: id }));
}, 90_000);
