import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { contractOf } from '@queue-service/contracts';
import { createLogger, createMetrics, Secret } from '@queue-service/observability';
import { type EmbeddedServer, startOwnRedis, startOwnSentinel, useDatabase } from '@queue-service/sandbox/testing';
import { Redis } from 'ioredis';
import { afterAll, expect, it, vi } from 'vitest';
import { checkDurability } from '../durability.ts';
import { createJobEventListener } from '../events/listen.ts';
import { startFleetWorker } from '../fleet.ts';
import { readQueueState } from '../queue-state.ts';
import { openRuntime, type Runtime } from '../runtime.ts';
import { openTicks } from '../schedules/ticks.ts';
import { dependencyChecks } from '../service.ts';
import { mastersOf } from './client.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const undo: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const one of undo.reverse()) await one();
});

/** A producer and a worker of mails on the given Redis. */
async function serve(redisUrl: string): Promise<Runtime> {
  const { url } = await useDatabase();
  const config = {
    DATABASE_URL: new Secret(url),
    DATABASE_POOL_SIZE: 4,
    PAYLOAD_ENCRYPTION_KEYS: [],
    REDIS_URL: new Secret(redisUrl),
    QUEUE_PREFIX: 'queue-service',
    WORKER_CONCURRENCY: 5,
  };
  const runtime = openRuntime({ config, applicationName: 'test', log });
  undo.push(() => runtime.close());
  await vi.waitFor(() => dependencyChecks(runtime).redis(), { timeout: 20_000, interval: 50 });
  const done = async () => contractOf('send-email').example.result as never;
  const worker = startFleetWorker({
    ...{ runtime, queue: 'communication', config, log, metrics: createMetrics({ service: 'test' }) },
    handlers: { 'send-email': done, 'send-sms': done, 'send-push': done, 'deliver-webhook': done },
  });
  undo.push(() => worker.close(1_000));
  return runtime;
}

async function mail(runtime: Runtime, delayMs = 0): Promise<string> {
  const data = { to: 'buyer@example.com', subject: 'Doors at 7', text: 'Come' };
  const [answer] = await runtime.producer.accept([{ type: 'send-email', tenantId: 't', data, options: { delayMs } }]);
  if (answer?.outcome !== 'created') throw new Error(`not accepted: ${answer?.outcome}`);
  return answer.job.id;
}

async function statusOf(runtime: Runtime, id: string): Promise<string | undefined> {
  return (await runtime.reader.find(id, null))?.status;
}

const masterOf = (runtime: Runtime) => mastersOf(runtime.connections.of('communication').redis)[0] as Redis;

it('follows the Sentinels to the new master, with what the old one had passed on', { timeout: 60_000 }, async () => {
  const first = await startOwnRedis({ args: ['--repl-diskless-sync-delay', '0'] });
  const second = await startOwnRedis({ args: ['--replicaof', '127.0.0.1', String(first.port)] });
  const sentinel = await startOwnSentinel({ masterPort: first.port });
  const gate = await openGate(sentinel.port);
  const runtime = await serve(sentinel.url.replace(String(sentinel.port), String(gate.port)));
  const { redis } = runtime.connections.of('communication');
  expect(masterOf(runtime).stream.remotePort).toBe(first.port);
  expect(await checkDurability(redis, 1)).toEqual([]);

  const before = await mail(runtime);
  await expect.poll(() => statusOf(runtime, before)).toBe('completed');
  const waiting = await mail(runtime, 3_000);
  await vi.waitFor(async () => expect(await redis.wait(1, 100)).toBe(1), { timeout: 20_000, interval: 50 });

  // The news of the new master comes while clients still ask for it.
  gate.hold();
  await first.kill();
  await sentinelSaysMaster(sentinel.port, second.port);
  gate.release();
  const during = await vi.waitFor(() => mail(runtime), { timeout: 30_000, interval: 100 });
  await expect.poll(() => statusOf(runtime, during)).toBe('completed');
  await expect.poll(() => statusOf(runtime, waiting)).toBe('completed');
  expect(masterOf(runtime).stream.remotePort).toBe(second.port);
});

it('serves a queue in a cluster, with all its keys in one slot', { timeout: 60_000 }, async () => {
  const server = await startOwnRedis({ args: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'] });
  await takeAllSlots(server);
  const runtime = await serve(`redis+cluster://127.0.0.1:${server.port}`);
  const connection = runtime.connections.of('communication');
  expect(connection.prefix).toBe('{queue-service}');
  expect(await checkDurability(connection.redis, 1)).toEqual([]);

  const events: string[] = [];
  const listener = createJobEventListener(runtime.connections, log);
  undo.push(async () => listener.close());
  const later = await mail(runtime, 1_000);
  listener.listen('communication', later, null, ({ event }) => events.push(event.event));
  expect(await readQueueState(connection, runtime.db, new Date())).toMatchObject({ delayed: 1 });
  const cancelled = await mail(runtime, 60_000);
  await runtime.cancelJob(cancelled, null);
  const ids = await Promise.all(Array.from({ length: 20 }, () => mail(runtime)));
  for (const id of [...ids, later]) await expect.poll(() => statusOf(runtime, id)).toBe('completed');
  expect(await statusOf(runtime, cancelled)).toBe('cancelled');
  await expect.poll(() => events).toContain('ended');

  const ticked: string[] = [];
  const ticks = openTicks({ connections: runtime.connections, log, onTicks: async (all) => void ticked.push(...all) });
  undo.push(() => ticks.close());
  await ticks.set([{ id: 'a-schedule', nextRun: new Date() }]);
  await expect.poll(() => ticked).toEqual(['a-schedule']);

  const keys = await masterOf(runtime).keys('*');
  expect(keys.length).toBeGreaterThan(5);
  expect(keys.filter((key) => !key.startsWith('{queue-service}:'))).toEqual([]);
});

async function sentinelSaysMaster(sentinelPort: number, port: number): Promise<void> {
  const asking = new Redis(sentinelPort);
  await vi.waitFor(
    async () => expect(await asking.call('SENTINEL', 'MASTERS')).toEqual([expect.arrayContaining([String(port)])]),
    {
      ...{ timeout: 30_000, interval: 50 },
    },
  );
  asking.disconnect();
}

/** A way to the port that can keep new connections waiting, while those that are open go on. */
async function openGate(port: number): Promise<{ port: number; hold(): void; release(): void }> {
  let held: (() => void)[] | null = null;
  const server = createServer((socket) => {
    const pass = () => {
      const onward = connect(port, '127.0.0.1');
      socket.pipe(onward).pipe(socket);
      for (const [end, other] of [
        [socket, onward],
        [onward, socket],
      ] as const)
        end.on('error', () => {}).on('close', () => other.destroy());
    };
    if (held === null) pass();
    else held.push(pass);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(async () => void server.close());
  return {
    port: (server.address() as AddressInfo).port,
    hold: () => {
      held = [];
    },
    release: () => {
      for (const pass of held ?? []) pass();
      held = null;
    },
  };
}

async function takeAllSlots({ url }: EmbeddedServer): Promise<void> {
  const node = new Redis(url);
  await node.cluster('ADDSLOTS', ...Array.from({ length: 16_384 }, (_, slot) => slot));
  await vi.waitFor(async () => expect(await node.cluster('INFO')).toContain('cluster_state:ok'), {
    ...{ timeout: 20_000, interval: 50 },
  });
  node.disconnect();
}
