import { contractOf } from '@queue-service/contracts';
import fc from 'fast-check';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { tableOf } from '../app.ts';
import type { Route } from '../http/route.ts';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { bearer, claims, secretKey, sign } from '../testing/tokens.ts';
import { rolesOf } from './access.ts';

let real: RealApp;
let routes: Route[];
/** Things of venue-1, by the first part of a path; others name nothing. */
const ids: Record<string, string> = {};
const NOBODY = '00000000-0000-4000-8000-000000000000';

beforeAll(async () => {
  real = await realApp();
  routes = tableOf(real.parts);
  const post = async (path: string, body: object) =>
    (
      await request(real.app)
        .post(`/api/v1/queue${path}`)
        .set('Authorization', await bearer('venueAdmin'))
        .send(body)
    ).body;
  const data = contractOf('analytics-track').example.payload;
  ids['jobs'] = (await post('/jobs', { queue: 'background', type: 'analytics-track', data })).job.id;
  ids['flows'] = (await post('/flows', { steps: [{ name: 'a', type: 'analytics-track', data }] })).flow.id;
  const schedule = { name: 's', type: 'analytics-track', data, everyMs: 3_600_000, active: false };
  ids['schedules'] = (await post('/schedules', schedule)).schedule.id;
});
afterAll(() => real.close());

const refused = ['noToken', 'garbage', 'expired', 'wrongAlgorithm'] as const;
const known = ['otherTenant', 'service', 'venueAdmin', 'admin'] as const;

async function authorizationOf(who: (typeof refused)[number] | (typeof known)[number]): Promise<string | undefined> {
  switch (who) {
    case 'noToken':
      return undefined;
    case 'garbage':
      return 'Bearer garbage';
    case 'expired':
      return `Bearer ${await sign({ ...claims.admin }, { expiresIn: -60 })}`;
    case 'wrongAlgorithm':
      return `Bearer ${await sign({ ...claims.admin }, { alg: 'HS384', key: Buffer.concat([secretKey, secretKey]) })}`;
    default:
      return bearer(who);
  }
}

function pathOf(route: Route): string {
  const [first = ''] = route.path.split('/').slice(1);
  return route.fullPath
    .replace(':queue', 'money')
    .replace(':key', 'tenant:nobody')
    .replaceAll(/:\w+/g, ids[first] ?? NOBODY);
}

async function statusOf(route: Route, who: Parameters<typeof authorizationOf>[0]): Promise<number> {
  const call = request(real.app)[route.method](pathOf(route));
  const authorization = await authorizationOf(who);
  if (authorization !== undefined) call.set('Authorization', authorization);
  // A stream has no end while its job waits; its status is all that is asked for here.
  return (
    await call
      .timeout(20_000)
      .buffer(true)
      .parse((res, done) => {
        res.once('end', () => done(null, ''));
        if (String(res.headers['content-type']).startsWith('text/event-stream'))
          (res as unknown as { destroy(): void }).destroy();
        done(null, '');
      })
  ).status;
}

/** From the routes themselves: a new one is covered by being declared. What each access means is written in `access.test.ts`. */
describe('every route', () => {
  test('lets in exactly who its access names, whatever the token', async () => {
    const wrong: string[] = [];
    for (const route of routes) {
      const name = `${route.method} ${route.fullPath}`;
      const roles = rolesOf[route.access];
      for (const who of [...refused, ...known]) {
        const status = await statusOf(route, who);
        const role = { otherTenant: 'service', service: 'service', venueAdmin: 'venue_admin', admin: 'admin' } as const;
        const open = roles === null;
        const isRefused = (refused as readonly string[]).includes(who);
        const allowed = open || (!isRefused && roles.some((one) => one === role[who as keyof typeof role]));
        const good = open
          ? status !== 401 && status !== 403
          : isRefused
            ? status === 401
            : !allowed
              ? status === 403
              : who === 'otherTenant' && ids[route.path.split('/')[1] ?? ''] !== undefined && route.params !== undefined
                ? status === 404 || (route.query !== undefined && status === 400)
                : status !== 401 && status !== 403 && status < 500;
        if (!good) wrong.push(`${name} as ${who}: ${status}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 90_000);

  test('answers whatever is sent with something else than a failure of ours', async () => {
    const authorization = await bearer('admin');
    const hostile = fc.oneof(
      fc.constantFrom(
        '',
        '\0',
        '\ud800',
        "'; DROP TABLE jobs; --",
        '<script>',
        '__proto__',
        '../../etc/passwd',
        '💥'.repeat(500),
      ),
      fc.constantFrom(1e308, -1, 2 ** 53, 0.1, Number.MIN_VALUE, 99_999_999_999),
      fc.constantFrom(null, true, [], {}, [[[[[]]]]], { constructor: { prototype: {} } }, deep(40)),
      fc.jsonValue(),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    );
    const shapeOf = (schema: unknown) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : ['a']);
    const someOf = (schema: unknown) =>
      fc.record(Object.fromEntries(shapeOf(schema).map((key) => [key, hostile])), { requiredKeys: [] });
    const failed: string[] = [];
    for (const route of routes) {
      // What is paused or refused for all would decide the rest.
      if (route.path.endsWith('/events') || (route.path.startsWith('/rate-limits') && route.method === 'put')) continue;
      const cases = fc.sample(
        fc.record({ body: fc.oneof(someOf(route.body?.schema), hostile), query: someOf(route.query), id: hostile }),
        { numRuns: 8, seed: 1 },
      );
      for (const { body, query, id } of cases) {
        const path = route.fullPath.replaceAll(/:\w+/g, () => encodeURIComponent(String(id).toWellFormed()) || 'x');
        const call = request(real.app)[route.method](path).set('Authorization', authorization);
        const given = Object.entries(query).map(([key, value]) => [key, String(value).toWellFormed()]);
        call.query(new URLSearchParams(given as [string, string][]).toString());
        if (route.body !== undefined) call.set('Content-Type', 'application/json').send(JSON.stringify(body));
        const { status } = await call;
        const unhealthy = route.path.startsWith('/health') && status === 503;
        if (status >= 500 && !unhealthy)
          failed.push(`${route.method} ${path} ${JSON.stringify({ body, query })}: ${status}`);
      }
    }
    expect(failed).toEqual([]);
  }, 90_000);
});

function deep(levels: number): unknown {
  return levels === 0 ? 1 : { a: deep(levels - 1) };
}
