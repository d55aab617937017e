import { createLogger, createMetrics } from '@queue-service/observability';
import express from 'express';
import supertest from 'supertest';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLoadShedding, type LoadShedding, type LoadSheddingOptions, memoryShare } from './load-shedding.ts';

let shedding: LoadShedding | undefined;
let strained = true;
beforeEach(() => {
  strained = true;
});
afterEach(() => shedding?.close());

function setUp(options: Partial<LoadSheddingOptions> = {}) {
  const metrics = createMetrics({ service: 'test' });
  const log = createLogger({ service: 'test', level: 'silent' });
  shedding = createLoadShedding({ log, metrics, mostInFlight: 2, everyMs: 10, ...options });
  const waiting: (() => void)[] = [];
  const app = express();
  app.use(shedding.handler);
  app.use((_req, res) => {
    waiting.push(() => res.json({ done: true }));
  });
  return { app, waiting, metrics };
}

function lateByOneAndAHalfSeconds(): () => number {
  let now = 0;
  return () => {
    now += strained ? 1_500 : 10;
    return now;
  };
}

/** Sends it now. */
const ask = (app: express.Express, path: string) =>
  supertest(app)
    .get(path)
    .then((answer) => answer);

it('refuses more than the most under way, says when to come back, and lets in again what is answered', async () => {
  const { app, waiting, metrics } = setUp();
  const first = [ask(app, '/jobs'), ask(app, '/jobs')];
  await vi.waitFor(() => expect(waiting).toHaveLength(2));
  const refused = await ask(app, '/jobs');
  expect(refused.status).toBe(503);
  expect(refused.headers['content-type']).toMatch('application/problem+json');
  expect(refused.body).toMatchObject({ code: 'overloaded', status: 503 });
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  expect(await metrics.text()).toMatch(/http_requests_shed_total{[^}]*reason="in_flight"[^}]*} 1/);

  for (const answer of waiting.splice(0)) answer();
  expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200]);
  const next = ask(app, '/jobs');
  await vi.waitFor(() => expect(waiting).toHaveLength(1));
  waiting[0]?.();
  expect((await next).status).toBe(200);
});

it('lets bodies in as far as they fit into the memory together, and none take the room of others', async () => {
  const { app, waiting, metrics } = setUp({ mostInFlight: 100, mostBodyBytes: 4_000 });
  const { bodies } = shedding as LoadShedding;
  const chunked = { 'transfer-encoding': 'chunked' };
  const refusal = expect.objectContaining({ code: 'overloaded', status: 503 });
  const reserve = (owner: string | null, bytes: number | null) =>
    bodies.reserve(bytes === null ? chunked : { 'content-length': String(bytes) }, owner, 1_000);
  // Of unknown length: as large as is allowed.
  const first = reserve('venue-1', null);
  expect(() => reserve('venue-1', 1)).toThrow(refusal);
  const others = [reserve('venue-2', 1_000), reserve('venue-3', 1_000)];
  // Nobody knows who sends these: they have an eighth together, and one of them at least.
  const unknown = reserve(null, 500);
  expect(() => reserve(null, 1)).toThrow(refusal);
  expect(() => reserve('venue-4', 501)).toThrow(refusal);
  expect(await metrics.text()).toMatch(/http_requests_shed_total{[^}]*reason="memory"[^}]*} 3/);
  for (const release of [first, unknown, ...others]) release();
  for (const owner of ['venue-1', 'venue-2', 'venue-3', 'venue-4']) reserve(owner, 1_000);

  // What waits without a body holds no memory.
  const idle = Array.from({ length: 50 }, () => ask(app, '/jobs'));
  await vi.waitFor(() => expect(waiting).toHaveLength(50));
  for (const answer of waiting.splice(0)) answer();
  expect((await Promise.all(idle)).every(({ status }) => status === 200)).toBe(true);
});

it('answers probes, and does not count streams', async () => {
  const { app, waiting } = setUp({ mostInFlight: 1 });
  const asked = [
    '/jobs/1/events',
    '/jobs/2/events',
    '/jobs',
    '/api/v1/queue/health/live',
    '/api/v1/queue/metrics/prometheus',
  ];
  const answers = asked.map((path) => ask(app, path));
  await vi.waitFor(() => expect(waiting).toHaveLength(asked.length));
  for (const answer of waiting) answer();
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(asked.map(() => 200));
});

it.each([
  { reason: 'memory', strain: { memoryShare: () => (strained ? 0.9 : 0.2) } },
  { reason: 'event_loop', strain: { nowMs: lateByOneAndAHalfSeconds() } },
])('refuses for want of $reason, however little is under way, until it is over', async ({ reason, strain }) => {
  const { app, waiting, metrics } = setUp(strain);
  const probe = setInterval(() => {
    for (const answer of waiting.splice(0)) answer();
  }, 5);
  await vi.waitFor(async () => expect((await ask(app, '/jobs')).status).toBe(503));
  expect(await metrics.text()).toContain(`reason="${reason}"`);
  strained = false;
  await vi.waitFor(async () => expect((await ask(app, '/jobs')).status).toBe(200));
  clearInterval(probe);
});

it('knows how much of the memory is used', () => {
  expect(memoryShare()).toBeGreaterThan(0);
  expect(memoryShare()).toBeLessThan(1);
});
