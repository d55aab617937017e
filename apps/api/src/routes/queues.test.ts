import { insertQueueMetrics } from '@queue-service/persistence';
import type { Redis } from 'ioredis';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { bearer } from '../testing/tokens.ts';

const base = '/api/v1/queue';
let real: RealApp;
beforeAll(async () => {
  real = await realApp();
});
afterAll(() => real.close());

type Who = Parameters<typeof bearer>[0];
const call = async (method: 'get' | 'post' | 'delete', path: string, who: Who = 'admin', body?: object) => {
  const asked = request(real.app)
    [method](base + path)
    .set('Authorization', await bearer(who));
  return body === undefined ? asked : asked.send(body);
};
const payment = (more: object = {}, options: object = {}) => ({
  queue: 'money',
  type: 'payment-process',
  data: { orderId: 'o1', amount: 100, currency: 'eur', paymentMethodId: 'pm_card_visa', ...more },
  options,
});
const event = (name: string) => ({
  queue: 'background',
  type: 'analytics-track',
  data: { userId: 'u1', event: name, properties: {}, timestamp: '2030-01-01T00:00:00Z' },
});

describe('POST /jobs/batch', () => {
  it('accepts jobs of several queues in their order', async () => {
    const answer = await call('post', '/jobs/batch', 'venueAdmin', { jobs: [event('a'), payment(), event('b')] });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({
      jobs: [{ type: 'analytics-track', tenantId: 'venue-1' }, { queue: 'money' }, { queue: 'background' }],
      replayed: [],
    });
    for (const { id } of answer.body.jobs) expect(await real.runtime.reader.find(id, 'venue-1')).toMatchObject({ id });
  });

  it('lists every error by its index and keeps nothing', async () => {
    const before = await real.runtime.db.prisma.criticalJob.count();
    const jobs = [payment(), payment({ currency: 'x' }), { ...event('x'), queue: 'money' }];
    const answer = await call('post', '/jobs/batch', 'admin', { jobs });
    expect(answer.status).toBe(400);
    expect([...new Set(answer.body.errors.map(({ path }: { path: string }) => path))]).toEqual([
      'jobs.1.data.currency',
      'jobs.2.queue',
    ]);
    expect(await real.runtime.db.prisma.criticalJob.count()).toBe(before);
  });

  it('keeps nothing when one key belongs to another body, and replays those that are known', async () => {
    const first = await call('post', '/jobs/batch', 'admin', { jobs: [payment({}, { idempotencyKey: 'k1' })] });
    const before = await real.runtime.db.prisma.criticalJob.count();
    const reused = [payment(), payment({ amount: 5 }, { idempotencyKey: 'k1' })];
    const refused = await call('post', '/jobs/batch', 'admin', { jobs: reused });
    expect(refused.status).toBe(422);
    expect(refused.body.errors).toMatchObject([{ path: 'jobs.1.options.idempotencyKey' }]);
    expect(await real.runtime.db.prisma.criticalJob.count()).toBe(before);
    const again = await call('post', '/jobs/batch', 'admin', {
      jobs: [payment({}, { idempotencyKey: 'k1' }), payment()],
    });
    expect(again.body).toMatchObject({ jobs: [{ id: first.body.jobs[0].id }, {}], replayed: [0] });
  });

  it.each([
    [{ jobs: [] }],
    [{ jobs: Array(101).fill(event('x')) }],
    [{ jobs: 'x' }],
    [[]],
    [{ jobs: [event('x')], more: 1 }],
  ])('refuses a body that is no batch', async (body) => {
    expect((await call('post', '/jobs/batch', 'admin', body)).status).toBe(400);
  });

  it('is not for producers', async () => {
    expect((await call('post', '/jobs/batch', 'service', { jobs: [event('x')] })).status).toBe(403);
  });
});

describe('queues', () => {
  it('are listed with their counts and rates', async () => {
    await call('post', '/jobs', 'service', payment());
    const answer = await call('get', '/queues', 'service');
    expect(answer.status).toBe(200);
    expect(answer.body.queues.map(({ queue }: { queue: string }) => queue)).toEqual([
      'money',
      'communication',
      'background',
    ]);
    const money = (await call('get', '/queues/money/stats')).body.queue;
    expect(money).toMatchObject({ tier: 1, active: 0, paused: false, pausedBy: null });
    expect(money.waiting).toBeGreaterThan(0);
    expect(money.rates.enqueued).toBeGreaterThan(0);
    expect((await call('get', '/queues/nothing/stats')).status).toBe(404);
  });

  it('are paused and resumed, which is recorded', async () => {
    const paused = await call('post', '/queues/communication/pause');
    expect(paused.body.queue).toMatchObject({ paused: true, pausedBy: 'root' });
    expect(await real.runtime.connections.of('communication').queue.isPaused()).toBe(true);
    const resumed = await call('post', '/queues/communication/resume');
    expect(resumed.body.queue).toMatchObject({ paused: false, pausedBy: null, pausedAt: null });
    expect(await real.runtime.connections.of('communication').queue.isPaused()).toBe(false);
    const log = await call('get', '/audit-log?resource=queue&resourceId=communication');
    expect(log.body.entries).toMatchObject([
      { action: 'queue.resume', before: { paused: true }, after: { paused: false } },
      { action: 'queue.pause', actor: 'root', roles: ['admin'], before: { paused: false }, after: { paused: true } },
    ]);
    expect(log.body.entries[0].requestId).toBe(resumed.headers['x-request-id']);
  });

  it.each(['venueAdmin', 'service'] as const)('are not controlled by a %s', async (who) => {
    expect((await call('post', '/queues/money/pause', who)).status).toBe(403);
    expect((await call('post', '/queues/money/resume', who)).status).toBe(403);
    expect((await call('delete', '/queues/money/clean', who)).status).toBe(403);
    expect((await call('get', '/audit-log', who)).status).toBe(403);
  });

  it('lose ended jobs on request, up to the limit, and nothing that waits', async () => {
    const { queue } = real.runtime.connections.of('background');
    const waiting = await call('post', '/jobs', 'service', event('waits'));
    const { Worker } = await import('bullmq');
    const { redis, prefix } = real.runtime.connections.of('background');
    const worker = new Worker('background', async () => 'done', {
      connection: (redis as Redis).duplicate({ maxRetriesPerRequest: null, enableOfflineQueue: true }),
      prefix,
    });
    await vi.waitFor(async () => expect(await queue.getCompletedCount()).toBeGreaterThan(2), { timeout: 10_000 });
    await vi.waitFor(
      async () =>
        expect(await queue.getJobCounts('active', 'prioritized', 'wait')).toEqual({
          active: 0,
          prioritized: 0,
          wait: 0,
        }),
      { timeout: 10_000 },
    );
    await worker.close();
    const later = await call('post', '/jobs', 'service', event('later'));
    const one = await call('delete', '/queues/background/clean?limit=1');
    expect(one.body).toEqual({ removed: 1, more: true });
    const rest = await call('delete', '/queues/background/clean');
    expect(rest.body.more).toBe(false);
    expect(await queue.getCompletedCount()).toBe(0);
    expect(await queue.getJob(waiting.body.job.id)).toBeUndefined();
    expect(await queue.getJob(later.body.job.id)).toBeDefined();
    expect((await call('delete', '/queues/background/clean?state=waiting')).status).toBe(400);
  });

  it('answer their history within bounds', async () => {
    const row = { queue: 'money', resolution: 15, waiting: 3, active: 1, delayed: 0, completed: 7, failed: 0 };
    const captured = [1, 2, 3].map((minute) => new Date(Date.UTC(2030, 0, 1, 0, minute)));
    await insertQueueMetrics(
      real.runtime.db,
      captured.map((capturedAt) => ({ ...row, enqueued: 2, paused: false, oldestWaitingMs: 10, capturedAt })),
    );
    const answer = await call(
      'get',
      '/queues/money/metrics?from=2030-01-01T00:02:00Z&to=2030-01-01T00:03:00Z',
      'service',
    );
    expect(answer.body).toMatchObject({
      queue: 'money',
      metrics: [
        { waiting: 3, completed: 7, rates: { completed: 28, enqueued: 8 }, capturedAt: '2030-01-01T00:02:00.000Z' },
      ],
      nextFrom: null,
    });
    const wrong = await call('get', '/queues/money/metrics?from=2030-01-02T00:00:00Z&to=2030-01-01T00:00:00Z');
    expect(wrong.body.errors).toMatchObject([{ path: 'from' }]);
  });
});

describe('hostile text', () => {
  it.each([
    ['get', '/audit-log?actor=%00'],
    ['get', `/audit-log?resourceId=${encodeURIComponent("' OR 1=1 --")}`],
    ['get', '/queues/%00/stats'],
    ['get', '/queues/money/metrics?from=0001-01-01T00:00:00Z'],
    ['get', '/schedules?cursor=%00'],
    ['delete', `/dead-letters/${crypto.randomUUID()}?reason=%00`],
    ['delete', '/queues/money/clean?limit=1e99'],
    ['delete', '/jobs/x'],
  ] as const)('is never our failure: %s %s', async (method, path) => {
    expect((await call(method, path)).status).toBeLessThan(500);
  });

  it('in bodies is refused or kept as it is', async () => {
    const schedule = { ...event('x'), name: 'a\u0000b', cron: '0 3 * * *' };
    expect((await call('post', '/schedules', 'admin', schedule)).status).toBeLessThan(500);
    expect((await call('post', '/dead-letters/redrive', 'admin', { filter: { type: '\u0000' } })).status).toBeLessThan(
      500,
    );
  });
});
