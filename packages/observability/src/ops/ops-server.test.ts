import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createLogger } from '../logger/create-logger.ts';
import { createMetrics } from '../metrics/create-metrics.ts';
import { createHealth, type HealthCheck } from './health.ts';
import { type OpsServer, startOpsServer } from './ops-server.ts';
import type { LivenessReport } from './watchdog.ts';

const log = createLogger({ service: 'worker-money', level: 'silent' });
const open: OpsServer[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function started(parts: { liveness?: LivenessReport; database?: HealthCheck } = {}) {
  const metrics = createMetrics({ service: 'worker-money' });
  const server = await startOpsServer({
    port: 0,
    host: '127.0.0.1',
    metrics,
    liveness: () => parts.liveness ?? { alive: true },
    readiness: createHealth({ checks: { database: parts.database ?? (async () => {}) } }),
    log,
  });
  open.push(server);
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init);
  return { get, server, metrics };
}

test('live asks the process only, even while its dependencies are away', async () => {
  const { get } = await started({
    database: async () => {
      throw new Error('away');
    },
  });
  const response = await get('/health/live');
  expect([response.status, await response.json()]).toEqual([200, { status: 'healthy' }]);
});

test('live is 503 when the process makes no progress, and says which part', async () => {
  const { get } = await started({ liveness: { alive: false, detail: 'relay has made no progress for 31 s' } });
  const response = await get('/health/live');
  expect([response.status, await response.json()]).toEqual([
    503,
    { status: 'unhealthy', detail: 'relay has made no progress for 31 s' },
  ]);
});

test('ready is 200 with all checks, and 503 as soon as one fails', async () => {
  let away = false;
  const { get } = await started({
    database: async () => {
      if (away) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
    },
  });
  const ready = await get('/health/ready');
  expect(ready.status).toBe(200);
  expect(ready.headers.get('cache-control')).toBe('no-store');
  expect(await ready.json()).toEqual({
    status: 'healthy',
    checks: { database: { status: 'healthy' } },
    timestamp: expect.any(String),
  });
  away = true;
  const unready = await get('/health/ready');
  expect(unready.status).toBe(503);
  expect(await unready.json()).toMatchObject({
    status: 'unhealthy',
    checks: { database: { status: 'unhealthy', detail: 'ECONNREFUSED' } },
  });
});

test('metrics are shown in the format of Prometheus', async () => {
  const { get, metrics } = await started();
  metrics.stalled.inc({ queue: 'money' });
  const response = await get('/metrics?x=1');
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await response.text()).toContain('queue_service_jobs_stalled_total{queue="money",app="worker-money"} 1');
});

test('HEAD has the head of GET and no body', async () => {
  const { get } = await started();
  const response = await get('/health/ready', { method: 'HEAD' });
  expect([response.status, await response.text()]).toEqual([200, '']);
  expect(Number(response.headers.get('content-length'))).toBeGreaterThan(0);
});

test('other paths are 404 and other methods 405', async () => {
  const { get } = await started();
  expect((await get('/health')).status).toBe(404);
  const posted = await get('/metrics', { method: 'POST' });
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('a failure while answering is a 500 without its message', async () => {
  const server = await startOpsServer({
    port: 0,
    host: '127.0.0.1',
    metrics: { contentType: 'text/plain', text: () => Promise.reject(new Error('internal matter')) },
    liveness: () => ({ alive: true }),
    readiness: createHealth({ checks: {} }),
    log,
  });
  open.push(server);
  const response = await fetch(`http://127.0.0.1:${server.port}/metrics`);
  expect([response.status, await response.json()]).toEqual([500, { error: 'internal_error' }]);
});

test('a taken port is refused with the reason', async () => {
  const { server } = await started();
  const second = startOpsServer({
    port: server.port,
    host: '127.0.0.1',
    metrics: createMetrics({ service: 'x' }),
    liveness: () => ({ alive: true }),
    readiness: createHealth({ checks: {} }),
    log,
  });
  await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('closing ends although a client keeps a connection and a check hangs', async () => {
  let asked = () => {};
  const checkStarted = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const { server } = await started({
    database: () => {
      asked();
      return new Promise(() => {});
    },
  });
  const idle = connect(server.port, '127.0.0.1');
  const busy = connect(server.port, '127.0.0.1');
  const ended = [idle, busy].map((socket) => new Promise((resolve) => socket.on('close', resolve)));
  for (const socket of [idle, busy]) socket.on('error', () => {}).resume();
  busy.write('GET /health/ready HTTP/1.1\r\nhost: x\r\n\r\n');
  await checkStarted;
  await server.close();
  await Promise.all(ended);
  await expect(fetch(`http://127.0.0.1:${server.port}/health/live`)).rejects.toThrow();
});
