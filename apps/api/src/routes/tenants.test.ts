import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { bearer } from '../testing/tokens.ts';

let real: RealApp;
beforeAll(async () => {
  real = await realApp();
});
afterAll(() => real.close());

const limits = '/api/v1/queue/tenants/venue-1/limits';
const read = async () =>
  request(real.app)
    .get(limits)
    .set('Authorization', await bearer('admin'));
const put = async (body: object) =>
  request(real.app)
    .put(limits)
    .set('Authorization', await bearer('admin'))
    .send(body);

it('answers the defaults for a tenant nobody has limited', async () => {
  const { status, body } = await read();
  expect(status).toBe(200);
  expect(body.limits).toEqual({
    ...{ tenantId: 'venue-1', weight: 1, maxRunning: null, maxPerSecond: null },
    ...{ updatedBy: null, updatedAt: null },
  });
});

it('sets all limits of a tenant, tells every queue, and records who did it', async () => {
  await put({ weight: 3, maxRunning: 5 });
  const set = await put({ maxRunning: 2, maxPerSecond: 20 });
  expect(set.body.limits).toMatchObject({ weight: 1, maxRunning: 2, maxPerSecond: 20, updatedBy: 'root' });
  expect((await read()).body).toEqual(set.body);
  for (const { redis, queue } of real.runtime.connections.all)
    expect(await redis.hget(queue.toKey('fair:limits'), 'venue-1')).toBe('1 2 20');
  const log = await request(real.app)
    .get('/api/v1/queue/audit-log?resource=tenant&resourceId=venue-1')
    .set('Authorization', await bearer('admin'));
  expect(log.body.entries).toMatchObject([
    {
      ...{ action: 'tenant.limits', actor: 'root', tenantId: 'venue-1' },
      before: { weight: 3, maxRunning: 5, maxPerSecond: null },
      after: { weight: 1, maxRunning: 2, maxPerSecond: 20 },
    },
    { before: { weight: 1, maxRunning: null, maxPerSecond: null } },
  ]);
});

it.each([
  [{ weight: 0 }, 'weight'],
  [{ weight: 101 }, 'weight'],
  [{ maxRunning: 0 }, 'maxRunning'],
  [{ maxPerSecond: 0.5 }, 'maxPerSecond'],
  [{ maxRuning: 2 }, 'maxRuning'],
])('refuses %j', async (body, path) => {
  const answer = await put(body);
  expect(answer.status).toBe(400);
  expect(JSON.stringify(answer.body.errors)).toContain(path);
});
