import request from 'supertest';
import { expect, test } from 'vitest';
import { testApp } from '../testing/test-app.ts';

const overall = ['/health', '/api/v1/queue/health'];

test.each(overall)('GET %s tells how every part is', async (path) => {
  const { status, body } = await request(testApp().app).get(path);
  expect(status).toBe(200);
  expect(body).toEqual({
    status: 'healthy',
    checks: {
      service: { status: 'healthy' },
      database: { status: 'healthy' },
      redis: { status: 'healthy' },
      queues: { status: 'healthy' },
    },
    timestamp: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T/),
  });
});

test.each([...overall, '/api/v1/queue/health/ready'])(
  'GET %s is 503 while a part is away, and well again after',
  async (path) => {
    const { app, checks } = testApp();
    checks.redis = async () => {
      throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:6379'), { code: 'ECONNREFUSED' });
    };
    const away = await request(app).get(path);
    expect(away.status).toBe(503);
    expect(away.body).toMatchObject({
      status: 'unhealthy',
      checks: { redis: { status: 'unhealthy', detail: 'ECONNREFUSED' } },
    });
    expect(away.text).not.toContain('10.0.0.7');
    checks.redis = async () => undefined;
    expect((await request(app).get(path)).status).toBe(200);
  },
);

test('GET /health/live depends on nothing', async () => {
  const { app, checks } = testApp();
  for (const name of Object.keys(checks)) checks[name] = () => Promise.reject(new Error('away'));
  const { status, body } = await request(app).get('/health/live');
  expect({ status, body }).toEqual({ status: 200, body: { status: 'alive' } });
});

test('a process that shuts down is not ready', async () => {
  const { app, parts } = testApp();
  parts.readiness.startDraining();
  expect((await request(app).get('/api/v1/queue/health/ready')).status).toBe(503);
});

test('GET /api/v1/queue/ tells what this is', async () => {
  const { status, body } = await request(testApp().app).get('/api/v1/queue/');
  expect(status).toBe(200);
  expect(body).toMatchObject({ name: 'queue-service', version: '1.2.3', links: { jobs: '/api/v1/queue/jobs' } });
});
