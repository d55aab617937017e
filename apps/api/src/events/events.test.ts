import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger, createMetrics } from '@queue-service/observability';
import { createJobEventListener, type Handlers, startFleetWorker, type WorkerHost } from '@queue-service/queue';
import request from 'supertest';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { jobResource } from '../testing/in-memory-ports.ts';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { bearer, claims, sign } from '../testing/tokens.ts';
import { createEventStreams } from './event-streams.ts';

const base = '/api/v1/queue';
let real: RealApp;
let server: Server;
let url: string;
let worker: WorkerHost;
const log = createLogger({ service: 'test', level: 'silent' });
const gate = { open: () => {}, opened: Promise.resolve() };
const close = () => {
  gate.opened = new Promise((resolve) => {
    gate.open = resolve;
  });
};

beforeAll(async () => {
  real = await realApp();
  server = createServer(real.app).listen(0);
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`;
  const track: Handlers<'background'>['analytics-track'] = async (payload, ctx) => {
    ctx.log.child({ email: 'ada@example.com' }).info({ to: 'ada@example.com' }, 'Half of it is done');
    ctx.progress({ rows: 5, name: 'ada@example.com' });
    await gate.opened;
    for (let line = 1; line <= 900; line += 1) ctx.log.info(`${line} of 900`);
    ctx.progress({ rows: 10 });
    return { messageId: `m-${payload.event}` } as Awaited<ReturnType<Handlers<'background'>['analytics-track']>>;
  };
  worker = startFleetWorker({
    runtime: real.runtime,
    queue: 'background',
    handlers: { 'analytics-track': track } as unknown as Handlers<'background'>,
    config: real.config,
    log,
    metrics: createMetrics({ service: 'worker' }),
  });
});
afterAll(async () => {
  gate.open();
  await worker.close(1_000);
  server.closeAllConnections();
  server.close();
  await real.close();
});

async function post(): Promise<string> {
  const body = { queue: 'background', type: 'analytics-track', data: { userId: 'u', event: 'bought' } };
  const { body: answer } = await request(real.app)
    .post(`${base}/jobs`)
    .set('Authorization', await bearer('service'))
    .send(body);
  return answer.job.id;
}

interface Seen {
  id?: string;
  event?: string;
  data?: Record<string, unknown>;
}

/** Reads events until `enough`, or until the server ends the stream. */
async function read(id: string, more: { headers?: object; token?: string; enough?: (seen: Seen[]) => boolean } = {}) {
  const authorization = more.token ?? (await bearer('service'));
  const response = await fetch(`${url}/jobs/${id}/events`, {
    headers: { authorization, ...more.headers },
  });
  const seen: Seen[] = [];
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString();
    for (let at = text.indexOf('\n\n'); at >= 0; at = text.indexOf('\n\n')) {
      const fields = Object.fromEntries(
        text
          .slice(0, at)
          .split('\n')
          .map((line) => line.split(/: (.*)/s, 2)),
      );
      text = text.slice(at + 2);
      if (fields['event']) seen.push({ ...fields, data: JSON.parse(fields['data']) });
    }
    if (more.enough?.(seen)) break;
  }
  return { status: response.status, type: response.headers.get('content-type'), seen };
}

test('a stream tells status, progress, logs and the end, nothing personal, and goes on after Last-Event-ID', async () => {
  close();
  const id = await post();
  const first = await read(id, { enough: (seen) => seen.some(({ event }) => event === 'progress') });
  expect(first.type).toContain('text/event-stream');
  const logged = first.seen.find(({ event }) => event === 'log');
  expect(logged?.data).toMatchObject({ level: 'info', message: 'Half of it is done' });
  expect(first.seen.find(({ event }) => event === 'progress')?.data).toMatchObject({ value: { rows: 5 } });
  expect(JSON.stringify(first.seen)).not.toContain('ada@');
  const { seen } = await read(id, {
    headers: { 'Last-Event-ID': logged?.id ?? '' },
    enough: (soFar) => {
      if (soFar.length === 1) gate.open();
      return false;
    },
  });
  // All that its handler says comes before the end, which Redis tells by itself.
  expect(seen.map(({ event }) => event)).toEqual(['progress', ...Array(900).fill('log'), 'progress', 'end']);
  expect(seen.at(-1)?.data?.['job']).toMatchObject({ id, status: 'completed', result: { messageId: 'm-bought' } });
  // Who comes after the end is told what is kept of it, and sent off.
  const late = await read(id);
  expect(late.seen.map(({ event }) => event)).toEqual(expect.arrayContaining(['status', 'progress', 'end']));
});

test('the streams of others do not exist, and an id that is none is refused', async () => {
  const id = await post();
  const other = await request(real.app)
    .get(`${base}/jobs/${id}/events`)
    .set('Authorization', await bearer('otherTenant'));
  expect(other.status).toBe(404);
  const wrong = await request(real.app)
    .get(`${base}/jobs/${id}/events`)
    .set({ Authorization: await bearer('service'), 'Last-Event-ID': 'x' });
  expect(wrong.body).toMatchObject({ code: 'validation_failed', errors: [{ path: 'Last-Event-ID' }] });
});

test('a cancelled job ends its stream', async () => {
  const body = {
    queue: 'money',
    type: 'payment-process',
    data: { orderId: 'o', amount: 1, currency: 'eur', customerId: 'cus_1234' },
  };
  const { body: answer } = await request(real.app)
    .post(`${base}/jobs`)
    .set('Authorization', await bearer('service'))
    .send(body);
  const reading = read(answer.job.id);
  const admin = await bearer('venueAdmin');
  await request(real.app).delete(`${base}/jobs/${answer.job.id}`).set('Authorization', admin).expect(200);
  const { seen } = await reading;
  expect(seen.at(-1)).toMatchObject({ event: 'end', data: { job: { status: 'cancelled' } } });
});

test('a job that ended between being read and being listened to ends its stream', async () => {
  const listener = createJobEventListener(real.runtime.connections, log);
  const job = jobResource();
  const ended = { ...job, status: 'completed' as const, finishedAt: new Date().toISOString() };
  const streams = createEventStreams({ listener, jobs: { find: async () => ended }, nowMs: () => 0 });
  const out = streams.stream({ job, scope: null, afterId: null, untilMs: 1_000 });
  let text = '';
  for await (const chunk of out ?? []) text += chunk;
  expect(text).toContain('event: end');
  streams.close();
  listener.close();
});

test('two thousand streams share one connection; a slow reader is cut off, an expired token ends, too many are refused', async () => {
  const listener = createJobEventListener(real.runtime.connections, log);
  let beat = () => {};
  let nowMs = 0;
  const job = jobResource();
  const streams = createEventStreams({
    listener,
    jobs: { find: async () => job },
    nowMs: () => nowMs,
    most: 2_001,
    mostBehindBytes: 64 * 1_024,
    everyMs: (work) => {
      beat = work;
      return () => {};
    },
  });
  const ask = (of = job, untilMs = 1_000) => streams.stream({ job: of, scope: null, afterId: null, untilMs });
  const crowd = Array.from({ length: 1_990 }, () => ask(jobResource()));
  const [slow, ...others] = Array.from({ length: 10 }, () => ask());
  const told = vi.fn();
  for (const one of others) one?.on('data', told);
  const brief = ask(job, 10);
  let text = '';
  brief?.on('data', (chunk) => {
    text += String(chunk);
  });
  expect(ask()).toBeNull();
  const message = 'x'.repeat(1_000);
  const tell = () =>
    real.runtime.publish(job.queue, job.id, { event: 'log', data: { level: 'info', message, at: '' } });
  for (let count = 0; count < 100; count += 1) tell();
  await vi.waitFor(() => expect(slow?.destroyed).toBe(true), { timeout: 15_000 });
  expect([...others, ...crowd].every((one) => one?.destroyed === false)).toBe(true);
  await vi.waitFor(() => expect(told.mock.calls.length).toBeGreaterThan(800), { timeout: 15_000 });
  expect(listener.connections).toBe(1);
  nowMs = 10;
  beat();
  await once(brief as NonNullable<typeof brief>, 'end');
  expect(text).toContain(': the token has expired');
  streams.close();
  expect(streams.open).toBe(0);
  listener.close();
});

test('a token that expires is no longer good for a new stream', async () => {
  const token = await sign({ ...claims.service }, { expiresIn: -1 });
  expect((await read(await post(), { token: `Bearer ${token}` })).status).toBe(401);
});
