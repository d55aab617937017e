import { setTenantLimits } from '@queue-service/persistence';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Runtime } from '../runtime.ts';
import { publishLimits, readLimits } from './limits.ts';
import { servedQueue, type TestConfig, testRuntime, times } from './testing/served-queue.ts';

let runtime: Runtime;
let config: TestConfig;
let queue: ReturnType<typeof servedQueue>;
beforeAll(async () => {
  ({ runtime, config } = await testRuntime());
});
afterAll(() => runtime.close());
beforeEach(() => {
  queue = servedQueue(runtime, config, 'background');
});
afterEach(async () => {
  await queue.take(1_000);
  await queue.close();
});

const countOf = (tenants: string[], tenant: string) => tenants.filter((one) => one === tenant).length;

it('starts the single job of a tenant soon, with 50,000 of another waiting, alone or among 10 and 1,000 tenants', async () => {
  const big = servedQueue(runtime, config, 'communication');
  const positionOf = async (tenant: string) => {
    await big.add([tenant]);
    return (await big.take(1_100, tenant)).length;
  };
  const others = (from: number, to: number) =>
    Array.from({ length: 2 * (to - from) }, (_, index) => `other-${from + (index >> 1)}`);
  await big.add(times(50_000, 'big'));
  const withOne = await positionOf('alone-1');
  await big.add(others(1, 10));
  const withTen = await positionOf('alone-10');
  await big.add(others(10, 1_000));
  const withThousand = await positionOf('alone-1000');
  // A round of all tenants at most, and itself.
  expect([withOne, withTen, withThousand]).toEqual([2, 11, 1_001]);
  await big.close();
}, 120_000);

it('keeps each priority to its place, also of jobs whose delay is over and that were given back', async () => {
  await queue.add(times(3, 'low'), { priority: 1 });
  await queue.add(times(3, 'high'), { priority: 10 });
  await queue.add(times(3, 'middle'), { priority: 5, delayMs: 1 });
  await expect.poll(() => queue.connection.queue.getDelayedCount()).toBe(3);
  expect(await queue.take(2)).toEqual(['high', 'high']);
  const [job] = [await queue.worker.getNextJob('token')];
  await job?.moveToWait('token');
  // What BullMQ puts back stands in the intake of its band, tagged or not.
  expect(await queue.take(2)).toEqual(['high', 'middle']);
  await queue.tend();
  expect(await queue.take(10)).toEqual(['middle', 'middle', 'low', 'low', 'low']);
});

it('gives tenants turns by their weights, changed while jobs wait', async () => {
  const weigh = async (weight: number) => {
    await setTenantLimits(runtime.db, { tenantId: 'heavy', weight, maxRunning: null, maxPerSecond: null }, 'test');
    await publishLimits(queue.connection, await readLimits(runtime.db));
  };
  await weigh(3);
  await queue.add([...times(120, 'heavy'), ...times(120, 'light')]);
  const taken = await queue.take(80);
  expect(countOf(taken, 'heavy')).toBeGreaterThanOrEqual(59);
  expect(countOf(taken, 'heavy')).toBeLessThanOrEqual(61);
  await weigh(1);
  // What was tagged keeps its turn; what comes now has the new weight.
  await queue.take(200);
  await queue.add([...times(40, 'heavy'), ...times(40, 'light')]);
  expect(countOf(await queue.take(40), 'heavy')).toBe(20);
});

it('gives no credit for having been idle, and takes none from who was alone', async () => {
  await queue.add(times(50, 'steady'));
  await queue.take(40);
  await queue.add(times(50, 'late'));
  const taken = await queue.take(20);
  expect(countOf(taken, 'late')).toBe(10);
});

it('lets jobs that all become due at once wait for their turn like others', async () => {
  await queue.add(times(100, 'burst'), { delayMs: 1 });
  await queue.add(times(40, 'steady'));
  await expect.poll(() => queue.connection.queue.getDelayedCount()).toBe(100);
  // Taking a job brings back what is due; until somebody tags it, it is behind what has a tag, and then in turns with it.
  expect(countOf(await queue.take(10), 'steady')).toBeGreaterThanOrEqual(5);
  await queue.tend();
  expect(countOf(await queue.take(20), 'steady')).toBe(10);
});
