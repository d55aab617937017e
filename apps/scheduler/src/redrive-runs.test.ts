import { createLogger, Secret } from '@queue-service/observability';
import {
  countDeadLetters,
  endRedriveRun,
  findRedriveRun,
  insertRedriveRun,
  openLettersOf,
} from '@queue-service/persistence';
import { newId, openRuntime, type Runtime } from '@queue-service/queue';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startRedriveRuns } from './redrive-runs.ts';

const log = createLogger({ service: 'test', level: 'silent' });
let runtime: Runtime;
beforeAll(async () => {
  const [{ url }, { prefix, url: redis }] = [await useDatabase(), usePrefix()];
  const config = {
    ...{ DATABASE_URL: new Secret(url), DATABASE_POOL_SIZE: 5, PAYLOAD_ENCRYPTION_KEYS: [] },
    ...{ REDIS_URL: new Secret(redis), QUEUE_PREFIX: prefix },
  };
  runtime = openRuntime({ config, applicationName: 'test', log });
  await vi.waitFor(
    () => expect(runtime.connections.all.every(({ redis: { status } }) => status === 'ready')).toBe(true),
    {
      timeout: 10_000,
    },
  );
});
afterAll(() => runtime.close());

async function die(count: number, code: string, tenantId = 't1'): Promise<void> {
  const shape = { queue: 'money', type: 'payment-process', payload: {}, payloadVersion: 1, priority: 7, tenantId };
  const made = Array.from({ length: count }, () => ({
    ...shape,
    attempts: 1,
    maxAttempts: 10,
    timeoutMs: 1_000,
    id: newId(),
  }));
  await runtime.db.prisma.criticalJob.createMany({
    data: made.map((job) => ({ ...job, status: 'failed', requestHash: Buffer.alloc(32) })),
  });
  await runtime.db.prisma.deadLetter.createMany({
    data: made.map(({ id, ...job }) => ({ ...job, id: newId(), jobId: id, reason: 'permanent', error: { code } })),
  });
}

async function begin(code: string) {
  const createdAt = new Date(Date.now() + 1);
  const total = await countDeadLetters(runtime.db, openLettersOf({ code }, 't1', createdAt));
  const by = { tenantId: 't1', createdBy: 'boss', roles: ['venue_admin'], requestId: 'r1' };
  return insertRedriveRun(runtime.db, { id: newId(), filter: { code }, ratePerSecond: 500, total, createdAt, ...by });
}

it('redrives a thousand letters, exactly those that match, and is stopped in the middle without a letter too many', async () => {
  await die(1_000, 'provider_down');
  await die(20, 'card_declined');
  await die(20, 'provider_down', 't2');
  const leader = new AbortController();
  const working = startRedriveRuns({ runtime, log, signal: leader.signal, everyMs: 20 });
  const first = await begin('provider_down');
  expect(first.total).toBe(1_000);
  const now = async (id: string) => (await findRedriveRun(runtime.db, id, null)) ?? first;
  await vi.waitFor(async () => expect((await now(first.id)).redriven).toBeGreaterThan(50), {
    timeout: 20_000,
    interval: 5,
  });
  const stopped = await endRedriveRun(runtime.db, first.id, { status: 'stopped', by: 'boss' });
  // Dies of the same again: a run does not chase its own tail.
  await die(1, 'provider_down');

  const second = await begin('provider_down');
  await vi.waitFor(async () => expect((await now(second.id)).status).toBe('completed'), {
    timeout: 60_000,
    interval: 50,
  });
  const [one, two] = [await now(first.id), await now(second.id)];
  expect(one).toMatchObject({ status: 'stopped', stoppedBy: 'boss', redriven: stopped?.redriven });
  expect(one.redriven).toBeLessThan(1_000);
  expect(two).toMatchObject({ total: 1_001 - one.redriven, redriven: 1_001 - one.redriven, skipped: 0 });

  const counts = await runtime.db.prisma.deadLetter.groupBy({
    by: ['tenantId', 'status'],
    _count: true,
    orderBy: { tenantId: 'asc' },
  });
  expect(counts.map(({ tenantId, status, _count }) => [tenantId, status, _count]).sort()).toEqual([
    ['t1', 'open', 20],
    ['t1', 'redriven', 1_001],
    ['t2', 'open', 20],
  ]);
  expect(await runtime.db.prisma.criticalJob.count({ where: { status: 'pending' } })).toBe(1_001);
  expect(await runtime.connections.of('money').queue.getPrioritizedCount()).toBe(1_001);
  expect(await runtime.db.prisma.auditLog.count({ where: { action: 'dead-letter.redrive', actor: 'boss' } })).toBe(
    1_001,
  );
  leader.abort();
  await working;
}, 100_000);
