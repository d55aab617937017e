import request from 'supertest';
import { describe, expect, test } from 'vitest';
import type { Route } from '../http/route.ts';
import { allRoutes } from '../routes/index.ts';
import { jobResource } from '../testing/in-memory-ports.ts';
import { METRICS_TOKEN, testApp } from '../testing/test-app.ts';
import { bearer, claims, sign } from '../testing/tokens.ts';

const { app, parts, ports } = testApp();
const routes = allRoutes(parts);
const nobody = '00000000-0000-4000-8000-000000000000';

/** Who is let in, as the API table says; written out here, so that a route cannot change it by itself. */
const table: Record<string, 'public' | 'user' | 'venue' | 'metrics'> = {
  'get /health': 'public',
  'get /health/live': 'public',
  'get /api/v1/queue/health': 'public',
  'get /api/v1/queue/health/ready': 'public',
  'get /api/v1/queue/': 'public',
  'post /api/v1/queue/jobs': 'user',
  'post /api/v1/queue/jobs/batch': 'venue',
  'get /api/v1/queue/jobs': 'user',
  'get /api/v1/queue/jobs/:id': 'user',
  'post /api/v1/queue/flows': 'user',
  'get /api/v1/queue/flows': 'user',
  'get /api/v1/queue/flows/:id': 'user',
  'post /api/v1/queue/flows/:id/cancel': 'user',
  'post /api/v1/queue/flows/:id/retry': 'user',
  'get /api/v1/queue/metrics/prometheus': 'metrics',
};
const letIn = {
  public: ['nobody', 'garbage', 'service', 'venueAdmin', 'admin'],
  user: ['service', 'venueAdmin', 'admin'],
  venue: ['venueAdmin', 'admin'],
  metrics: ['admin'],
} as const;

const nameOf = ({ method, fullPath }: Route) => `${method} ${fullPath}`;

test('every route is in the table', () => {
  expect(routes.map(nameOf).sort()).toEqual(Object.keys(table).sort());
});

describe.each(routes.map((route) => [nameOf(route), route] as const))('%s', (name, route) => {
  const path = route.fullPath.replace(':id', nobody);
  test.each(['nobody', 'garbage', 'service', 'venueAdmin', 'admin'] as const)('as %s', async (who) => {
    const call = request(app)[route.method](path);
    if (who === 'garbage') call.set('Authorization', 'Bearer garbage');
    else if (who !== 'nobody') call.set('Authorization', await bearer(who));
    const { status } = await call;
    const allowed: readonly string[] = letIn[table[name] ?? 'metrics'];
    if (allowed.includes(who)) expect([200, 202, 400, 404]).toContain(status);
    else expect(status).toBe(who === 'nobody' || who === 'garbage' ? 401 : 403);
  });
});

describe('a tenant', () => {
  const own = jobResource({ tenantId: 'venue-1' });
  const foreign = jobResource({ tenantId: 'venue-2' });
  ports.storedJobs.push(own, foreign);
  const get = async (path: string, authorization: string, tenant?: string) => {
    const call = request(app).get(`/api/v1/queue${path}`).set('Authorization', authorization);
    return tenant === undefined ? call : call.set('X-Tenant-Id', tenant);
  };

  test.each(['service', 'venueAdmin'] as const)('is all that a %s sees', async (who) => {
    const authorization = await bearer(who);
    expect((await get(`/jobs/${own.id}`, authorization)).status).toBe(200);
    const other = await get(`/jobs/${foreign.id}`, authorization);
    const absent = await get(`/jobs/${nobody}`, authorization);
    expect({ ...other.body, instance: '', requestId: '' }).toEqual({ ...absent.body, instance: '', requestId: '' });
    expect(other.status).toBe(404);
    expect((await get('/jobs', authorization)).body.jobs).toEqual([own]);
  });

  test('does not hide its jobs from an admin', async () => {
    const authorization = await bearer('admin');
    expect((await get(`/jobs/${foreign.id}`, authorization)).status).toBe(200);
    expect((await get('/jobs', authorization)).body.jobs).toHaveLength(2);
  });

  test('of an admin does not narrow what he sees', async () => {
    const authorization = `Bearer ${await sign({ ...claims.admin, tenantId: 'venue-1' })}`;
    expect((await get(`/jobs/${foreign.id}`, authorization)).status).toBe(200);
  });

  test('named by X-Tenant-Id is the one an admin acts for', async () => {
    const authorization = await bearer('admin');
    expect((await get('/jobs', authorization, 'venue-2')).body.jobs).toEqual([foreign]);
    expect((await get(`/jobs/${own.id}`, authorization, 'venue-2')).status).toBe(404);
  });

  test.each(['service', 'venueAdmin'] as const)('named by X-Tenant-Id must be the own one of a %s', async (who) => {
    const authorization = await bearer(who);
    expect((await get('/jobs', authorization, 'venue-1')).status).toBe(200);
    expect((await get('/jobs', authorization, 'venue-2')).status).toBe(403);
  });

  test('named by a malformed X-Tenant-Id is a bad request', async () => {
    const { status, body } = await get('/jobs', await bearer('admin'), 'a b');
    expect({ status, errors: body.errors }).toMatchObject({ status: 400, errors: [{ path: 'X-Tenant-Id' }] });
  });

  test.each([
    ['platform, without one of his own', {}, undefined, 'platform'],
    ['his own', { tenantId: 'venue-9' }, undefined, 'venue-9'],
    ['the one he names', { tenantId: 'venue-9' }, 'venue-8', 'venue-8'],
  ])('of what an admin makes is %s', async (_what, changes, header, expected) => {
    const call = request(app)
      .post('/api/v1/queue/jobs')
      .set('Authorization', `Bearer ${await sign({ ...claims.admin, ...changes })}`);
    if (header !== undefined) call.set('X-Tenant-Id', header);
    const { body } = await call.send({
      queue: 'background',
      type: 'analytics-track',
      data: { userId: 'u', event: 'e' },
    });
    expect(body.job.tenantId).toBe(expected);
  });
});

describe('the metrics', () => {
  const path = '/api/v1/queue/metrics/prometheus';

  test('are shown to the bearer of their token', async () => {
    const { status, text, headers } = await request(app).get(path).set('Authorization', `Bearer ${METRICS_TOKEN}`);
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(/^text\/plain/);
    expect(text).toContain('queue_service_http_request_duration_seconds_count');
  });

  test.each([`${METRICS_TOKEN}x`, METRICS_TOKEN.slice(0, -1), METRICS_TOKEN.toUpperCase()])(
    'are not shown to the bearer of %s',
    async (token) => {
      expect((await request(app).get(path).set('Authorization', `Bearer ${token}`)).status).toBe(401);
    },
  );

  test('are for admins only where no token is configured', async () => {
    const { app: closed } = testApp({ metricsToken: undefined });
    expect((await request(closed).get(path).set('Authorization', 'Bearer undefined')).status).toBe(401);
    expect(
      (
        await request(closed)
          .get(path)
          .set('Authorization', await bearer('admin'))
      ).status,
    ).toBe(200);
  });

  test('their token opens nothing else', async () => {
    const { status } = await request(app).get('/api/v1/queue/jobs').set('Authorization', `Bearer ${METRICS_TOKEN}`);
    expect(status).toBe(401);
  });
});
