import { gzipSync } from 'node:zlib';
import request from 'supertest';
import { beforeEach, describe, expect, test } from 'vitest';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { bearer } from '../testing/tokens.ts';

const jobs = '/api/v1/queue/jobs';
const good = { queue: 'background', type: 'analytics-track', data: { userId: 'u', event: 'seen' } };

let authorization: string;
let tested: TestApp;

beforeEach(async () => {
  authorization = await bearer('service');
  tested = testApp({ bodyLimitBytes: 4_096, moneyBodyLimitBytes: 1_024 });
});

const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
  request(tested.app)
    .post(jobs)
    .set('Authorization', authorization)
    .set('Content-Type', 'application/json')
    .set(headers)
    .serialize((sent: unknown) => sent as string)
    .send(body);

const storedNothing = () => expect(tested.ports.accepted).toEqual([]);

describe('a body is refused', () => {
  test.each([
    ['cut off', '{"queue":', 400, 'malformed_json'],
    ['no JSON', 'queue=money', 400, 'malformed_json'],
    ['JSON with something behind', '{} {}', 400, 'malformed_json'],
    ['empty', '', 400, 'validation_failed'],
    ['a list', '[]', 400, 'validation_failed'],
    ['null', 'null', 400, 'validation_failed'],
    ['a text', '"job"', 400, 'validation_failed'],
    ['too large', JSON.stringify({ ...good, data: { userId: 'u'.repeat(4_096) } }), 413, 'body_too_large'],
    ['deeply nested', `{"data":${'['.repeat(1_000)}${']'.repeat(1_000)}}`, 400, 'validation_failed'],
  ])('when it is %s', async (_what, body, status, code) => {
    const answer = await post(body);
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    storedNothing();
  });

  test.each([
    ['a form', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['text', { 'Content-Type': 'text/plain' }],
    ['of no type', { 'Content-Type': '' }],
    ['in another character set', { 'Content-Type': 'application/json; charset=latin1' }],
    ['packed in an unknown way', { 'Content-Encoding': 'lzma' }],
  ])('when it is %s', async (_what, headers) => {
    const { status, body } = await post(JSON.stringify(good), headers);
    expect({ status, code: body.code }).toEqual({ status: 415, code: 'unsupported_media_type' });
    storedNothing();
  });

  test('when it unpacks to more than the limit', async () => {
    const bomb = gzipSync(JSON.stringify({ ...good, data: { userId: 'u'.repeat(1_000_000) } }));
    expect(bomb.length).toBeLessThan(4_096);
    const { status, body } = await post(bomb, { 'Content-Encoding': 'gzip' });
    expect({ status, code: body.code }).toEqual({ status: 413, code: 'body_too_large' });
  });

  test.each(['gzip', 'deflate', 'br', 'zstd'])('when it does not unpack as %s', async (encoding) => {
    for (const bytes of [Buffer.from('not packed'), Buffer.alloc(40, 0xff), Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1])]) {
      const { status, body } = await post(bytes, { 'Content-Encoding': encoding });
      expect([400, 415]).toContain(status);
      expect(['malformed_json', 'unsupported_media_type']).toContain(body.code);
    }
  });

  test('when it is for money and larger than money needs', async () => {
    const data = { orderId: 'o', amount: 1, currency: 'eur', customerId: 'cus_1234', description: 'x'.repeat(990) };
    const { status, body } = await post(JSON.stringify({ queue: 'money', type: 'payment-process', data }));
    expect({ status, code: body.code }).toEqual({ status: 413, code: 'body_too_large' });
    storedNothing();
  });

  test('when a key reaches for prototypes, and names it', async () => {
    const text =
      '{"queue":"background","type":"analytics-track","data":{"userId":"u","event":"e","properties":{"__proto__":{"admin":true}}}}';
    const { status, body } = await post(text);
    expect(status).toBe(400);
    expect(body.errors).toEqual([
      { path: 'data.properties.__proto__', message: expect.any(String), code: 'forbidden_key' },
    ]);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    storedNothing();
  });

  test('before it is read when there is no token', async () => {
    authorization = '';
    expect((await post('{"queue":')).status).toBe(401);
  });
});

test.each([
  ['gzip', gzipSync(JSON.stringify(good)), { 'Content-Encoding': 'gzip' }],
  ['a JSON type of its own', JSON.stringify(good), { 'Content-Type': 'application/vnd.shop+json; charset=utf-8' }],
])('a body in %s is accepted', async (_what, body, headers) => {
  expect((await post(body, headers)).status).toBe(202);
});

test('text is stored as it was sent', async () => {
  const event = `Robert'); DROP TABLE jobs; -- <b onclick="x()">&amp; #{7*7} {{7*7}} 🎟️`;
  await post(JSON.stringify({ ...good, data: { userId: 'u', event } }));
  expect(tested.ports.accepted[0]?.data.event).toBe(event);
});

describe('a path', () => {
  test.each([['/'], ['/api/v1/queue/nothing'], ['/api/v2/queue/jobs'], ['/api/v1/queue/jobs/not-an-id'], ['/.env']])(
    '%s is not found',
    async (path) => {
      const { status, body } = await request(tested.app).get(path).set('Authorization', authorization);
      expect({ status, code: body.code }).toEqual({ status: 404, code: 'not_found' });
    },
  );

  test('does not take other methods, and says which it takes', async () => {
    const { status, body, headers } = await request(tested.app).put(jobs).set('Authorization', authorization);
    expect({ status, code: body.code, allow: headers.allow }).toEqual({
      status: 405,
      code: 'method_not_allowed',
      allow: 'POST, GET, HEAD, OPTIONS',
    });
  });

  test('answers OPTIONS with what it takes', async () => {
    const { status, headers } = await request(tested.app).options('/api/v1/queue/jobs/1');
    expect({ status, allow: headers.allow }).toEqual({ status: 204, allow: 'GET, HEAD, OPTIONS' });
  });

  test('with broken percent-encoding is a bad request', async () => {
    const { status, body } = await request(tested.app)
      .get('/api/v1/queue/jobs/%zz')
      .set('Authorization', authorization);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'validation_failed' });
  });
});

describe('an answer', () => {
  test('carries the request id of the caller', async () => {
    const { headers, body } = await request(tested.app).get(jobs).set('X-Request-Id', 'shop-42');
    expect(headers['x-request-id']).toBe('shop-42');
    expect(body.requestId).toBe('shop-42');
  });

  test.each(['', 'a b', 'x'.repeat(129), '<script>'])('carries an id of its own instead of "%s"', async (id) => {
    const { headers } = await request(tested.app).get(jobs).set('X-Request-Id', id);
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('does not name its framework and tells browsers to be careful', async () => {
    const { headers } = await request(tested.app).get('/health/live');
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'content-security-policy': expect.stringContaining("default-src 'self'"),
    });
  });

  test('to our own failure says nothing of it; the log does', async () => {
    tested.ports.failure = new Error('relation "jobs" does not exist');
    const { status, body } = await request(tested.app).get(jobs).set('Authorization', authorization);
    expect({ status, code: body.code }).toEqual({ status: 500, code: 'internal_error' });
    expect(JSON.stringify(body)).not.toContain('relation');
    expect(tested.logged()).toContainEqual(
      expect.objectContaining({
        level: 'error',
        err: expect.objectContaining({ message: 'relation "jobs" does not exist' }),
      }),
    );
  });
});

describe('the log', () => {
  test('tells who asked for what, and how it ended', async () => {
    await request(tested.app)
      .get(`${jobs}?type=send-sms`)
      .set('Authorization', authorization)
      .set('X-Request-Id', 'r-1');
    expect(tested.logged()).toEqual([
      expect.objectContaining({
        level: 'info',
        requestId: 'r-1',
        req: { method: 'GET', path: jobs },
        res: { status: 200 },
        route: '/api/v1/queue/jobs',
        actor: 'svc-shop',
        tenantId: 'venue-1',
        durationMs: expect.any(Number),
      }),
    ]);
  });

  test('holds neither tokens nor bodies nor queries', async () => {
    await post(
      JSON.stringify({ queue: 'communication', type: 'send-sms', data: { to: '+41791234567', body: 'planted-text' } }),
    );
    await request(tested.app).get(`${jobs}?cursor=planted-query`).set('Authorization', authorization);
    const log = JSON.stringify(tested.logged());
    expect(log).not.toMatch(/planted|41791234567|Bearer|eyJ/);
  });

  test('is silent about health, of which the checks tell when it changes', async () => {
    await request(tested.app).get('/health/live');
    await request(tested.app).get('/api/v1/queue/health/ready');
    tested.parts.readiness.startDraining();
    expect((await request(tested.app).get('/api/v1/queue/health/ready')).status).toBe(503);
    expect(tested.logged()).toEqual([]);
  });
});

test('requests are measured by the template of their route', async () => {
  await request(tested.app)
    .get('/api/v1/queue/jobs/3f0e4c3e-6c0b-4f43-9b59-0c7d2a9a7e11')
    .set('Authorization', authorization);
  await request(tested.app).get('/wp-login.php');
  const counted = (await tested.parts.metrics.text())
    .split('\n')
    .filter((line) => line.includes('request_duration_seconds_count'));
  expect(counted).toHaveLength(2);
  expect(counted[0]).toMatch(/method="GET",route="\/api\/v1\/queue\/jobs\/:id",status="404"\} 1$/);
  expect(counted[1]).toMatch(/method="GET",route="unmatched",status="404"\} 1$/);
});
