import { createMetrics } from '@queue-service/observability';
import request from 'supertest';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { jobResource } from '../testing/in-memory-ports.ts';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { bearer } from '../testing/tokens.ts';
import { cachedJobs, createCaches } from './caches.ts';

const base = '/api/v1/queue';

test('many who ask at once make one question; an answer is never older than its age; an end is not missed for long', async () => {
  let nowMs = 0;
  let job = jobResource({ status: 'processing' });
  const find = vi.fn(async () => job);
  const caches = createCaches({ nowMs: () => nowMs, metrics: createMetrics({ service: 'test' }) });
  const jobs = cachedJobs({ find, list: async () => ({ items: [], next: null }) }, caches);
  await Promise.all(Array.from({ length: 50 }, () => jobs.find(job.id, null)));
  expect(find).toHaveBeenCalledTimes(1);
  expect(await jobs.find(job.id, 'venue-2')).toBeNull();
  job = { ...job, status: 'completed', finishedAt: new Date(0).toISOString() };
  nowMs = 249;
  expect(await jobs.find(job.id, null)).toMatchObject({ status: 'processing' });
  nowMs = 250;
  expect(await jobs.find(job.id, 'venue-1')).toMatchObject({ status: 'completed' });
  job = { ...job, status: 'pending', finishedAt: null };
  nowMs = 1_250;
  expect(await jobs.find(job.id, null)).toMatchObject({ status: 'pending' });
  expect(caches.jobs.stats()).toMatchObject({ entries: 1, misses: 3, hits: 51 });
});

test('what was asked before a change is not kept after it', async () => {
  const answer = Promise.withResolvers<ReturnType<typeof jobResource>>();
  const { jobs } = createCaches({ nowMs: () => 0, metrics: createMetrics({ service: 'test' }) });
  const early = jobs.read('j', () => answer.promise);
  jobs.forget('j');
  answer.resolve(jobResource({ status: 'failed' }));
  await early;
  expect(await jobs.read('j', async () => jobResource({ status: 'pending' }))).toMatchObject({ status: 'pending' });
});

let real: RealApp;
beforeAll(async () => {
  real = await realApp();
});
afterAll(() => real.close());

test('a cancel shows at the next look, and an admin sees and flushes the cache', async () => {
  const asked = async (method: 'get' | 'delete', path: string, who: Parameters<typeof bearer>[0] = 'admin') =>
    request(real.app)
      [method](`${base}${path}`)
      .set('Authorization', await bearer(who));
  const body = { queue: 'background', type: 'analytics-track', data: { userId: 'u', event: 'e' } };
  const posted = request(real.app)
    .post(`${base}/jobs`)
    .set('Authorization', await bearer('service'));
  const { id } = (await posted.send(body)).body.job;
  await asked('get', `/jobs/${id}`);
  await asked('get', `/jobs/${id}`);
  const waiting = async () =>
    (await asked('get', '/queues')).body.queues.find(({ queue }: { queue: string }) => queue === 'background').waiting;
  expect(await waiting()).toBe(1);
  await asked('delete', `/jobs/${id}`);
  expect((await asked('get', `/jobs/${id}`)).body.job.status).toBe('cancelled');
  expect(await waiting()).toBe(0);
  const { caches } = (await asked('get', '/cache/stats')).body;
  expect(caches).toMatchObject([
    { name: 'jobs', entries: 1 },
    { name: 'queues', entries: 1 },
  ]);
  expect((await asked('delete', '/cache/flush')).body.flushed).toBe(2);
  expect((await asked('get', '/audit-log?action=cache.flush')).body.entries).toHaveLength(1);
  expect((await asked('get', '/cache/stats', 'venueAdmin')).status).toBe(403);
});
