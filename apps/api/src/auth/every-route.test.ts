import { contractOf, jobTypes } from '@queue-service/contracts';
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
  const known: Record<string, string> = { queue: 'money', key: 'tenant:nobody' };
  return route.fullPath.replaceAll(/:(\w+)/g, (_, name: string) => known[name] ?? ids[first] ?? NOBODY);
}

async function statusOf(route: Route, who: Parameters<typeof authorizationOf>[0]): Promise<number> {
  const call = request(real.app)[route.method](pathOf(route));
  const authorization = await authorizationOf(who);
  if (authorization !== undefined) call.set('Authorization', authorization);
  return answerTo(call);
}

/** A stream has no end while its job waits; its status is all that is asked for here. */
async function answerTo(call: request.Test): Promise<number> {
  const answer = await call
    .timeout(20_000)
    .buffer(true)
    .parse((res, done) => {
      res.once('end', () => done(null, ''));
      if (String(res.headers['content-type']).startsWith('text/event-stream'))
        (res as unknown as { destroy(): void }).destroy();
      done(null, '');
    });
  return answer.status;
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
  }, 240_000);

  test('answers whatever is sent with something else than a failure of ours', async () => {
    const seed = Date.now() % 2 ** 31;
    const authorization = await bearer('admin');
    const failed: string[] = [];
    const statuses = new Set<number>();
    const reached = new Set<string>();
    const job = fc.constantFrom(...jobTypes).map((type) => {
      const { queue, example } = contractOf(type);
      return { queue, type, data: example.payload, options: { delayMs: 600_000 } };
    });
    const { payload: data } = contractOf('analytics-track').example;
    const tracked = { type: 'analytics-track', data };
    // Payloads and steps are checked by what their types say, which no schema of a body tells.
    const whole: Record<string, fc.Arbitrary<unknown>> = {
      '/jobs': fc.oneof(fc.constant({ queue: 'background', ...tracked }), job),
      '/jobs/batch': fc.array(job, { minLength: 1, maxLength: 3 }).map((jobs) => ({ jobs })),
      '/flows': fc.constant({
        steps: [
          { name: 'a', ...tracked },
          { name: 'b', dependsOn: ['a'], ...tracked },
        ],
      }),
      '/schedules': fc.nat().map((n) => ({ name: `s-${n}`, everyMs: 3_600_000, active: false, ...tracked })),
    };
    // What is limited for all would decide the rest.
    const last = (route: Route) => Number(route.path.startsWith('/rate-limits') && route.method === 'put');
    for (const [index, route] of routes.toSorted((a, b) => last(a) - last(b)).entries()) {
      const { body: content, query, params } = route;
      const fitting = whole[route.path];
      const input = fc.record({
        body: content !== undefined && fitting !== undefined ? spoiltAtTimes(fitting) : inputOf(content?.schema),
        query: inputOf(query),
        params: inputOf(params),
        id: fc.oneof(fc.constant(pathOf(route)), hostile),
      });
      // A seed for each route: by one for all, every route would be sent the same kinds of input.
      const cases = fc.sample(input, { numRuns: 14, seed: seed + index });
      if (content !== undefined && fitting !== undefined)
        for (const body of fc.sample(fitting, { numRuns: 1, seed }))
          cases.push({ body, query: {}, params: {}, id: pathOf(route) });
      for (const { body, query, params, id } of cases) {
        const filled = (name: string) =>
          encodeURIComponent(textOf(isRecord(params) ? (params[name] ?? id) : id)) || 'x';
        const path =
          id === pathOf(route) ? id : route.fullPath.replaceAll(/:(\w+)/g, (_, name: string) => filled(name));
        const call = request(real.app)[route.method](path).set('Authorization', authorization);
        const given = Object.entries(isRecord(query) ? query : {}).map(([key, value]) => [key, textOf(value)]);
        call.query(new URLSearchParams(given as [string, string][]).toString());
        if (content !== undefined) call.set('Content-Type', 'application/json').send(JSON.stringify(body));
        const status = await answerTo(call);
        statuses.add(status);
        if (status < 300) reached.add(`${route.method} ${route.path}`);
        const unhealthy = route.path.startsWith('/health') && status === 503;
        if (status >= 500 && !unhealthy)
          failed.push(`${route.method} ${path} ${JSON.stringify({ body, query })}: ${status} (seed ${seed})`);
      }
    }
    expect(failed).toEqual([]);
    // Both what fits the schemas and what does not was among it.
    for (const status of [200, 202, 400, 404]) expect(statuses, `seed ${seed}`).toContain(status);
    for (const path of ['/jobs/batch', '/flows', '/schedules']) expect([...reached]).toContain(`post ${path}`);
  }, 240_000);
});

const hostile: fc.Arbitrary<unknown> = fc.oneof(
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

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What the schema allows, the same with one value replaced, or anything. */
function inputOf(schema: unknown): fc.Arbitrary<unknown> {
  if (!(schema instanceof z.ZodType)) return hostile;
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  return spoiltAtTimes(fittingTo(json, json, 4));
}

function spoiltAtTimes(fitting: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const spoiled = fc.tuple(fitting, fc.nat(), hostile).map(([value, at, spoil]) => spoilt(value, at, spoil));
  return fc.oneof(
    { weight: 3, arbitrary: fitting },
    { weight: 5, arbitrary: spoiled },
    { weight: 1, arbitrary: hostile },
  );
}

function fittingTo(schema: JsonSchema, root: JsonSchema, depth: number): fc.Arbitrary<unknown> {
  const inner = (one: unknown) => fittingTo(one as JsonSchema, root, depth - 1);
  const { $ref, anyOf, oneOf, allOf } = schema;
  if ($ref !== undefined) {
    const target = $ref
      .split('/')
      .slice(1)
      .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], root);
    return depth < 0 ? fc.constant(null) : inner(target);
  }
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...(schema.enum as unknown[]));
  const several = anyOf ?? oneOf;
  if (several !== undefined) return fc.oneof(...several.map(inner));
  if (allOf !== undefined)
    return fc.tuple(...allOf.map(inner)).map((all) => Object.assign({}, ...all.filter(isRecord)) as unknown);
  switch (schema.type) {
    case 'object': {
      const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => [name, inner(field)] as const);
      return fc.record(Object.fromEntries(fields), { requiredKeys: schema.required ?? [] });
    }
    case 'array': {
      const { minItems = 0 } = schema;
      return fc.array(schema.items === undefined ? hostile : inner(schema.items), {
        minLength: Math.min(minItems, 3),
        maxLength: Math.max(Math.min(minItems, 3), 3),
      });
    }
    case 'integer':
      return fc.integer({
        min: Math.max(schema.minimum ?? 0, -(2 ** 31)),
        max: Math.min(schema.maximum ?? 1_000, 2 ** 31),
      });
    case 'number':
      return fc.double({ min: schema.minimum ?? 0, max: schema.maximum ?? 1_000, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'string':
      return textFor(schema);
    default:
      return hostile;
  }
}

function textFor({ format, pattern, minLength = 1, maxLength = 40 }: JsonSchema): fc.Arbitrary<unknown> {
  if (format === 'uuid') return fc.oneof(fc.constantFrom(NOBODY, ...Object.values(ids)), fc.uuid());
  if (format === 'date-time') return fc.constantFrom('2030-01-01T00:00:00.000Z', '2020-02-29T23:59:59.999Z');
  if (format === 'email') return fc.constantFrom('ada@example.com');
  if (format === 'uri') return fc.constantFrom('https://example.com/a', 'https://[::1]/', 'http://localhost/');
  if (pattern !== undefined && !/\(\?/.test(pattern)) return fc.stringMatching(new RegExp(pattern), { size: 'small' });
  return fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 40), unit: 'binary' });
}

/** With one of its values, at any depth, replaced. */
function spoilt(value: unknown, at: number, spoil: unknown): unknown {
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  const key = keys[at % (keys.length + 1)];
  if (key === undefined) return isRecord(value) ? { ...value, surplus: spoil } : spoil;
  const copy = structuredClone(value) as Record<string, unknown>;
  const child = copy[key];
  copy[key] = typeof child === 'object' && at % 3 > 0 ? spoilt(child, Math.floor(at / 7), spoil) : spoil;
  return copy;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return (typeof value === 'object' ? JSON.stringify(value) : String(value)).toWellFormed();
}

function deep(levels: number): unknown {
  return levels === 0 ? 1 : { a: deep(levels - 1) };
}
