import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { freeLoopbackPort } from '../../../packages/sandbox/src/servers/index.ts';
import { type Bench, type Contest, compare } from '../bench.ts';
import { type Settings, serve } from '../contestant.ts';
import { openOurs, payloads } from '../ours.ts';

const jobs = 20;

async function post(settings: Settings, engine: string, queue: string, count = jobs): Promise<void> {
  if (engine === 'BullMQ') {
    const connection = new Redis(String(settings['redisUrl']), { maxRetriesPerRequest: null });
    const bare = new Queue('bench-kill', { connection });
    await bare.addBulk(
      Array.from({ length: count }, (_, index) => ({ name: 'no-op', data: { name: `job-${index}` } })),
    );
    await bare.close();
    connection.disconnect();
    return;
  }
  const runtime = await openOurs(
    Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)])),
  );
  for (let from = 0; from < count; from += 500) {
    const batch = Array.from({ length: Math.min(500, count - from) }, (_, index) => {
      const name = `job-${from + index}`;
      return queue === 'money'
        ? { ...payloads.money, data: { ...payloads.money.data, orderId: name }, tenantId: 'tenant-1' }
        : { ...payloads.background, data: { ...payloads.background.data, properties: { name } }, tenantId: 'tenant-1' };
    });
    await runtime.producer.accept(batch);
  }
  await runtime.close();
}

const begun = (output: string) =>
  new Map([...output.matchAll(/^began (\S+) (\d+)$/gm)].map((found) => [found[1], Number(found[2])]));
const beginnings = (output: string) => output.match(/^began /gm)?.length ?? 0;

async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 120_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('What was waited for did not come');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Seconds from the death of a worker to the moment when each of its jobs has begun in another. */
async function afterKill(bench: Bench, engine: string, queue: string): Promise<number> {
  const settings = { ...(await bench.settings()), engine, queue };
  const victim = await serve('victim', { ...settings, hang: 'yes' });
  await post(settings, engine, queue);
  await until(() => beginnings(victim.output()) >= jobs);
  const heir = await serve('victim', settings);
  const killedAt = Date.now();
  process.kill(victim.pid, 'SIGKILL');
  await until(() => begun(heir.output()).size >= jobs);
  const lastAt = Math.max(...begun(heir.output()).values());
  await heir.stop();
  return (lastAt - killedAt) / 1_000;
}

/** How many jobs began a second time because the loop of their living worker stood still. */
async function falseStalls(bench: Bench, queue: string): Promise<number> {
  const settings = { ...(await bench.settings()), engine: 'ours', queue };
  const blocked = await serve('victim', { ...settings, blockMs: 5_000 });
  await post(settings, 'ours', queue, 1);
  await until(() => beginnings(blocked.output()) >= 1);
  const other = await serve('victim', settings);
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  const began = beginnings(blocked.output()) + beginnings(other.output());
  await Promise.all([blocked.stop(), other.stop()]);
  return began - 1;
}

/** Seconds from a FLUSHALL until Redis has every money job again, by the real scheduler. */
async function afterFlush(bench: Bench): Promise<number> {
  const count = bench.size(10_000);
  const { databaseUrl = '', redisUrl = '', ...settings } = await bench.settings();
  await post({ ...settings, databaseUrl, redisUrl }, 'ours', 'money', count);
  const opsPort = await freeLoopbackPort();
  const scheduler = spawn(process.execPath, [join(import.meta.dirname, '../../../apps/scheduler/src/main.ts')], {
    env: {
      DATABASE_URL: String(databaseUrl),
      REDIS_URL: String(redisUrl),
      OPS_PORT: String(opsPort),
      LOG_LEVEL: 'error',
      PAYLOAD_ENCRYPTION_KEYS: `k:${Buffer.alloc(32, 7).toString('base64')}`,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const redis = new Redis(String(redisUrl));
  const queue = new Queue('money', { connection: redis, prefix: 'queue-service' });
  try {
    await until(async () => (await fetch(`http://127.0.0.1:${opsPort}/health/ready`).catch(() => null))?.ok === true);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const flushedAt = performance.now();
    await redis.flushall();
    await until(async () => (await queue.getPrioritizedCount()) >= count);
    return (performance.now() - flushedAt) / 1_000;
  } finally {
    const ended = new Promise((resolve) => scheduler.once('exit', resolve));
    scheduler.kill('SIGTERM');
    await queue.close();
    redis.disconnect();
    await ended;
  }
}

export const recovery: Contest = {
  name: 'recovery',
  mostRounds: 2,
  run: async (bench) => {
    const shared = { against: [], figure: 'value', best: 'lowest' } as const;
    const kill = (engine: string, queue: string) => () => afterKill(bench, engine, queue);
    const bare = bench.full ? { 'BullMQ, its defaults': kill('BullMQ', '') } : {};
    return [
      await compare(bench, {
        name: 'kill -9 of a worker, background',
        ...{ ...shared, unit: 's', bar: { atMost: 15 }, contestants: { ours: kill('ours', 'background'), ...bare } },
        ...(bench.full ? { rounds: 1 } : {}),
      }),
      await compare(bench, {
        name: 'kill -9 of a worker, money',
        ...{ ...shared, unit: 's', bar: { atMost: 15 }, contestants: { ours: kill('ours', 'money') } },
      }),
      await compare(bench, {
        name: 'false stalls while a loop is blocked for 5 s',
        ...{ ...shared, unit: 'jobs run twice', bar: { atMost: 0 }, rounds: 1 },
        contestants: { background: () => falseStalls(bench, 'background'), money: () => falseStalls(bench, 'money') },
      }),
      await compare(bench, {
        name: `FLUSHALL to all of ${bench.size(10_000).toLocaleString('en')} money jobs back`,
        ...{ ...shared, unit: 's', bar: { atMost: 10 }, contestants: { ours: () => afterFlush(bench) } },
      }),
    ];
  },
};
