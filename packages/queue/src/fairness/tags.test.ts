import { setTenantLimits } from '@queue-service/persistence';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Runtime } from '../runtime.ts';
import { costOfJob, scoresOf } from './bands.ts';
import { publishLimits, readLimits } from './limits.ts';
import { tendQueue } from './tend-queue.ts';
import { testRuntime } from './testing/served-queue.ts';

let runtime: Runtime;
const weights = { one: 1, two: 2, five: 5 };
type Tenant = keyof typeof weights;
const tenants = Object.keys(weights) as Tenant[];
beforeAll(async () => {
  ({ runtime } = await testRuntime());
  for (const [tenantId, weight] of Object.entries(weights))
    await setTenantLimits(runtime.db, { tenantId, weight, maxRunning: null, maxPerSecond: null }, 'test');
  const limits = await readLimits(runtime.db);
  await Promise.all(runtime.connections.all.map((connection) => publishLimits(connection, limits)));
});
afterAll(() => runtime.close());

const priority = 5;
let ids = 0;

/** A queue of bare entries, whose tags are used up after so many jobs of weight 1. */
function smallQueue(name: 'background' | 'communication', jobsOfBand: number) {
  const connection = runtime.connections.of(name);
  const { redis, queue } = connection;
  const prioritized = queue.toKey('prioritized');
  const { tags, intake, overflow, end } = scoresOf(priority);
  const tend = async () => {
    const work = { priorities: [priority], now: new Date(0), widest: jobsOfBand * costOfJob };
    for (let calls = 0; (await tendQueue(connection, work)).more; calls += 1) expect(calls).toBeLessThan(100);
  };
  return {
    add: async (tenant: Tenant, count: number) => {
      const pipeline = redis.pipeline();
      for (let added = 0; added < count; added += 1) {
        ids += 1;
        const id = `${tenant}-${String(ids).padStart(9, '0')}`;
        pipeline.hset(queue.toKey(id), 'opts', JSON.stringify({ tenant }));
        pipeline.zadd(prioritized, intake + ids, id);
      }
      await pipeline.exec();
      await tend();
    },
    /** Pops what is served next, no further than the tags go: what overflowed is tagged first. */
    serve: async (count: number) => {
      const served: string[] = [];
      let restarts = 0;
      while (served.length < count) {
        const tagged = await redis.zcount(prioritized, tags, `(${intake}`);
        if (tagged === 0) break;
        const popped = await redis.zpopmin(prioritized, Math.min(tagged, count - served.length));
        served.push(...popped.filter((_, index) => index % 2 === 0).map(String));
        if (popped.length < 2 * tagged) break;
        restarts += 1;
        await tend();
      }
      return { served, restarts };
    },
    tend,
    left: async () => ({
      untagged: await redis.zcount(prioritized, intake, `(${overflow}`),
      overflowed: await redis.zcount(prioritized, overflow, `(${end}`),
    }),
  };
}

const step = fc.oneof(
  fc.record({ add: fc.constantFrom(...tenants), count: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ serve: fc.integer({ min: 1, max: 15 }) }),
);

it('serves tenants by their weights while they wait, in the order of each, with no job lost, also when tags run out', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const queue = smallQueue('background', 30);
      const waiting = { one: 0, two: 0, five: 0 };
      /** Work got since all that wait now began to wait together. */
      let got = new Map<Tenant, number>();
      /** The bound holds from one restart of the tags to the next. */
      let allowed = 1;
      let added = 0;
      const all: string[] = [];
      for (const one of steps) {
        if ('add' in one) {
          if (waiting[one.add] === 0) got = new Map();
          // A band holds what is tagged and twice its half of what comes back: deeper is not promised.
          const count = Math.min(one.count, Math.max(0, 14 * weights[one.add] - waiting[one.add]));
          await queue.add(one.add, count);
          waiting[one.add] += count;
          added += count;
          continue;
        }
        const { served, restarts } = await queue.serve(one.serve);
        allowed += restarts;
        for (const id of served) {
          all.push(id);
          const tenant = id.split('-')[0] as Tenant;
          waiting[tenant] -= 1;
          got.set(tenant, (got.get(tenant) ?? 0) + 1 / weights[tenant]);
          if (waiting[tenant] === 0) got = new Map();
          const backlogged = tenants.filter((name) => waiting[name] > 0);
          for (const a of backlogged)
            for (const b of backlogged) {
              const apart = Math.abs((got.get(a) ?? 0) - (got.get(b) ?? 0));
              expect(apart).toBeLessThanOrEqual(allowed * (1 / weights[a] + 1 / weights[b]) + 0.001);
            }
        }
        if (got.size === 0) allowed = 1;
      }
      expect((await queue.left()).untagged).toBe(0);
      all.push(...(await queue.serve(1_000)).served);
      for (const tenant of tenants) {
        const own = all.filter((id) => id.startsWith(tenant));
        expect(own).toEqual([...own].sort());
      }
      expect(all.length).toBe(added);
      expect(new Set(all).size).toBe(added);
    }),
    { numRuns: 12 },
  );
});

it('stays fair over many times the tags of a band, without ever being empty', async () => {
  const queue = smallQueue('communication', 100);
  const share = { one: 0, two: 0, five: 0 };
  for (const tenant of tenants) await queue.add(tenant, 30);
  let overflowed = 0;
  for (let round = 0; round < 60; round += 1) {
    const before = { ...share };
    for (const id of (await queue.serve(40)).served) share[id.split('-')[0] as Tenant] += 1;
    for (const tenant of tenants) await queue.add(tenant, share[tenant] - before[tenant]);
    if ((await queue.left()).overflowed > 0) overflowed += 1;
  }
  // 2,400 jobs are 300 of weight 1: the tags were used up three times.
  expect(overflowed).toBeGreaterThan(2);
  for (const tenant of tenants) expect(Math.abs(share[tenant] / (2_400 / 8) - weights[tenant])).toBeLessThan(0.1);
});
