import { randomUUID } from 'node:crypto';
import { createLogger, Secret } from '@queue-service/observability';
import { insertWebhookEndpoint } from '@queue-service/persistence';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { mendHistory, openRuntime, type Runtime, releaseCanary } from './index.ts';
import { type FleetProcess, spawnFleet } from './testing/spawn-fleet.ts';

const log = createLogger({ service: 'test', level: 'silent' });
let runtime: Runtime;
let fleet: FleetProcess;

beforeAll(async () => {
  const [{ url: databaseUrl }, { prefix, url: redisUrl }] = [await useDatabase(), usePrefix()];
  const config = {
    DATABASE_URL: new Secret(databaseUrl),
    DATABASE_POOL_SIZE: 4,
    PAYLOAD_ENCRYPTION_KEYS: [{ id: 'k', key: Buffer.alloc(32, 7) }],
    REDIS_URL: new Secret(redisUrl),
    QUEUE_PREFIX: prefix,
  };
  runtime = openRuntime({ config, applicationName: 'test', log });
  fleet = spawnFleet({ queues: ['communication'], databaseUrl, redisUrl, prefix, concurrency: 4 });
  await vi.waitFor(() => expect(runtime.connections.of('communication').redis.status).toBe('ready'), 20_000);
}, 70_000);
afterAll(async () => {
  fleet.child.kill('SIGKILL');
  await runtime.close();
});

const statusInHistory = async (id: string) =>
  (await runtime.db.query<{ status: string }>('', 'SELECT status FROM jobs WHERE id = $1::uuid', [id]))[0]?.status;
const told = (id: string) => runtime.db.prisma.webhookDelivery.findMany({ where: { subjectId: id } });
const mend = () => mendHistory(runtime, 'communication', { from: 0, to: Date.now() + 60_000 });

it('writes the ends of a worker that was killed before it could, and tells of them once', async () => {
  const url = 'https://example.com/hook';
  const endpoint = { id: randomUUID(), tenantId: 't', url, events: ['job.completed'], description: null };
  await insertWebhookEndpoint(runtime.db, endpoint, {});
  const { queue } = runtime.connections.of('communication');
  let release = () => {};
  const locked = new Promise<void>((resolve) => {
    release = resolve;
  });
  const data = { to: 'ada@example.com', subject: 'quick', text: 'x' };
  const accepted = await runtime.producer.accept(
    [1, 2].map(() => ({ type: 'send-email', tenantId: 't', data, options: { delayMs: 500 } })),
  );
  const ids = accepted.map((answer) => (answer.outcome === 'created' ? answer.job.id : ''));
  await vi.waitFor(async () => expect(await statusInHistory(ids[1] ?? '')).toBe('pending'));
  await releaseCanary(runtime.connections.of('communication'));

  // History takes nothing until the worker is dead.
  const lock = runtime.db.transaction(async (sql) => {
    await sql.query('', 'LOCK TABLE jobs IN EXCLUSIVE MODE');
    await locked;
  });
  await vi.waitFor(async () => expect(await queue.getCompletedCount()).toBe(2), { timeout: 60_000 });
  fleet.child.kill('SIGKILL');
  await fleet.exited;
  release();
  await lock;
  await runtime.db.query('', 'DELETE FROM jobs WHERE id = $1::uuid', [ids[0]]);
  expect(await statusInHistory(ids[1] ?? '')).toBe('pending');

  // Two that write the same end at once, as a worker that was only slow would.
  expect(await Promise.all([mend(), mend()])).toEqual([2, 2]);
  for (const id of ids) {
    await expect.poll(() => statusInHistory(id)).toBe('completed');
    expect(await told(id)).toMatchObject([
      { eventType: 'job.completed', body: { type: 'job.completed', data: await runtime.reader.find(id, null) } },
    ]);
  }
  expect(await mend()).toBe(0);
});
