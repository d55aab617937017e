import { createLogger, createMetrics, Secret } from '@queue-service/observability';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openRuntime, type Runtime } from '../index.ts';
import { type FleetProcess, spawnFleet } from '../testing/spawn-fleet.ts';
import { watchLoop } from './watch-loop.ts';

const eventually = <T>(look: () => T | Promise<T>) => vi.waitFor(look, { timeout: 60_000, interval: 20 });
let runtime: Runtime;
let fleet: FleetProcess;

beforeAll(async () => {
  const [{ url: databaseUrl }, { prefix, url: redisUrl }] = [await useDatabase(), usePrefix()];
  const config = {
    ...{ DATABASE_URL: new Secret(databaseUrl), DATABASE_POOL_SIZE: 2 },
    ...{ REDIS_URL: new Secret(redisUrl), QUEUE_PREFIX: prefix },
    PAYLOAD_ENCRYPTION_KEYS: [{ id: 'k', key: Buffer.alloc(32, 7) }],
  };
  runtime = openRuntime({ config, applicationName: 'test', log: createLogger({ service: 'test', level: 'silent' }) });
  await eventually(() => expect(runtime.connections.all.every(({ redis }) => redis.status === 'ready')).toBe(true));
  fleet = spawnFleet({ queues: ['background'], databaseUrl, redisUrl, prefix, concurrency: 2, watchesLoop: true });
}, 70_000);
afterAll(async () => {
  fleet.child.kill('SIGKILL');
  await runtime.close();
});

async function run(event: string): Promise<string> {
  const data = { anonymousId: 'a', event };
  const [answer] = await runtime.producer.accept([{ type: 'analytics-track', tenantId: 't1', data }]);
  const id = answer?.outcome === 'created' ? answer.job.id : '';
  await eventually(async () => expect(await runtime.reader.find(id, null)).toMatchObject({ status: 'completed' }));
  return id;
}
const told = () => fleet.lines.filter((line) => 'blockedMs' in line);

it('names the job whose handler blocks its worker, while it does and afterwards, and no other', async () => {
  await run('quick');
  const id = await run('block 2000');
  const jobs = [{ id, type: 'analytics-track' }];
  const facts = { level: 'error', service: 'test-fleet', pid: fleet.child.pid, queue: 'background', jobs };
  await eventually(() => expect(told()).toHaveLength(2));
  const [during, after] = told();
  expect(during).toMatchObject({ ...facts, msg: expect.stringContaining('other workers may take these jobs') });
  expect(after).toMatchObject({ ...facts, msg: expect.stringContaining('may have taken these jobs') });
  expect(after?.['blockedMs']).toBeGreaterThan(during?.['blockedMs'] as number);
});

it('counts a block that claims outlive, and warns of it', async () => {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const log = createLogger({ service: 'test', level: 'info', destination: { write } });
  const metrics = createMetrics({ service: 'test' });
  const watch = watchLoop({ queue: 'money', log, metrics, claimsLastMs: 60_000 });
  watch.enter({ id: 'gone', type: 'refund-process' })();
  const leave = watch.enter({ id: 'there', type: 'payment-process' });
  for (const until = performance.now() + 1_500; performance.now() < until; );
  const jobs = [{ id: 'there', type: 'payment-process' }];
  await eventually(() => expect(lines).toMatchObject([{ level: 'warn', queue: 'money', jobs }]));
  leave();
  watch.close();
  expect(await metrics.text()).toMatch(/event_loop_blocked_seconds_count\{[^}]*queue="money"[^}]*\} 1/);
});
