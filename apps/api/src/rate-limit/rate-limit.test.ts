import { createLogger } from '@queue-service/observability';
import { listRateLimits } from '@queue-service/persistence';
import { openProducerRedis } from '@queue-service/queue';
import { startOwnRedis } from '@queue-service/sandbox/testing';
import request from 'supertest';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { METRICS_TOKEN } from '../testing/test-app.ts';
import { bearer, type claims } from '../testing/tokens.ts';
import { createLimitsInForce, TAKEN_UP_WITHIN_MS } from './limits-in-force.ts';
import { createTokenBuckets } from './token-bucket.ts';

const base = '/api/v1/queue';
let real: RealApp;

beforeAll(async () => {
  real = await realApp();
});
afterAll(() => real.close());

const get = async (path: string, who: keyof typeof claims) =>
  request(real.app)
    .get(`${base}${path}`)
    .set('Authorization', await bearer(who));
const put = async (key: string, body: object) =>
  request(real.app)
    .put(`${base}/rate-limits/${key}`)
    .set('Authorization', await bearer('admin'))
    .send(body);

test('every answer to a token says what is left; who has used it up waits, and only he', async () => {
  // While Redis is slow to answer, as on a busy machine, the process counts by itself.
  await vi.waitFor(async () => {
    const first = await get('/jobs', 'service');
    expect(first.headers['ratelimit-policy']).toBe('"principal";q=6000;w=60, "tenant";q=30000;w=60');
    expect(first.headers['ratelimit']).toMatch(/^"principal";r=5999;t=1, "tenant";r=29999;t=1$/);
  }, 10_000);
  expect((await put('principal:svc-shop', { points: 2, windowMs: 3_600_000 })).status).toBe(200);
  const answers = [await get('/jobs', 'service'), await get('/jobs', 'service'), await get('/rate-limits', 'service')];
  // 403 counts too: a token is no licence to hammer what it may not do.
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
  const refused = answers[2];
  expect(refused?.body).toMatchObject({ code: 'rate_limited', detail: 'The limit of the principal is reached' });
  expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(1_700);
  expect((await get('/jobs', 'venueAdmin')).status).toBe(200);
  expect((await get('/jobs', 'otherTenant')).status).toBe(200);
  const { body } = await get('/rate-limits?key=principal:svc-shop', 'admin');
  expect(body.limits).toMatchObject([{ source: 'override', points: 2, used: 2, updatedBy: 'root' }]);
  // The use that was seen stays, for when Redis is away.
  expect(await listRateLimits(real.runtime.db)).toMatchObject([
    { key: 'principal:svc-shop', used: 2, resetAt: new Date(body.limits[0].resetAt) },
  ]);
});

test('a tenant has a limit over all its tokens, and an override that is removed is gone', async () => {
  await put('tenant:venue-2', { points: 1, windowMs: 60_000 });
  await get('/jobs', 'otherTenant');
  expect((await get('/jobs', 'otherTenant')).body.detail).toBe('The limit of the tenant is reached');
  const remove = async () =>
    request(real.app)
      .delete(`${base}/rate-limits/tenant:venue-2`)
      .set('Authorization', await bearer('admin'));
  expect((await remove()).status).toBe(204);
  expect((await remove()).status).toBe(404);
  expect((await get('/jobs', 'otherTenant')).status).toBe(200);
  const { body } = await get('/audit-log?resource=rate-limit&resourceId=tenant:venue-2', 'admin');
  expect(body.entries.map(({ action, before, after }: Record<string, unknown>) => [action, before, after])).toEqual([
    ['rate-limit.delete', { points: 1, windowMs: 60_000 }, null],
    ['rate-limit.set', null, { points: 1, windowMs: 60_000 }],
  ]);
});

test('the reader of metrics is limited too, and decisions are counted', async () => {
  const answer = await request(real.app)
    .get(`${base}/metrics/prometheus`)
    .set('Authorization', `Bearer ${METRICS_TOKEN}`);
  expect(answer.headers['ratelimit']).toContain('"principal";r=');
  expect(answer.text).toMatch(/rate_limit_decisions_total\{.*limit="tenant".*decision="rejected".*\} 1/);
});

test('another process takes an override up at run time', async () => {
  let nowMs = 0;
  const configured = { principal: { points: 5, windowMs: 1_000 }, tenant: { points: 5, windowMs: 1_000 } };
  const log = createLogger({ service: 'test', level: 'silent' });
  const limits = createLimitsInForce({ db: real.runtime.db, configured, nowMs: () => nowMs, log });
  await limits.refresh();
  await put('default:principal', { points: 77, windowMs: 60_000 });
  expect(limits.of('principal', 'anybody').points).toBe(5);
  nowMs += TAKEN_UP_WITHIN_MS;
  await expect.poll(() => limits.of('principal', 'anybody').points).toBe(77);
});

test('tokens come back one by one, and a bucket of the process decides while Redis is away', async () => {
  const server = await startOwnRedis();
  const redis = openProducerRedis(server.url, createLogger({ service: 'test', level: 'silent' }), 250);
  const buckets = createTokenBuckets(redis, 'test');
  const two = { points: 2, windowMs: 10_000 };
  await expect.poll(() => redis.status).toBe('ready');
  expect(await buckets.take('k', two)).toMatchObject({ allowed: true, remaining: 1 });
  expect(await buckets.take('k', two)).toMatchObject({ allowed: true, remaining: 0 });
  expect(await buckets.take('k', two)).toMatchObject({ allowed: false, remaining: 0 });
  // Half a window ago by the clock of Redis: one token is back, not both.
  const at = Number(await redis.hget('test:k', 'at'));
  await redis.hset('test:k', 'at', at - 6_000);
  expect((await buckets.take('k', two)).allowed).toBe(true);
  expect((await buckets.take('k', two)).allowed).toBe(false);
  await server.stop();
  const taken = [await buckets.take('k', two), await buckets.take('k', two), await buckets.take('k', two)];
  expect(taken.map(({ allowed }) => allowed)).toEqual([true, true, false]);
  expect(await buckets.use('k', two)).toBeNull();
  redis.disconnect();
});
