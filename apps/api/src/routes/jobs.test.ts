import { contractOf, contracts, jobAnswerSchema, jobTypes, problemSchema } from '@queue-service/contracts';
import { DatabaseUnavailableError, QueueUnavailableError } from '@queue-service/queue';
import request from 'supertest';
import { beforeEach, describe, expect, test } from 'vitest';
import { jobResource } from '../testing/in-memory-ports.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { bearer } from '../testing/tokens.ts';

const path = '/api/v1/queue/jobs';
const payment = { queue: 'money', type: 'payment-process', data: contracts['payment-process'].example.payload };

let tested: TestApp;
let authorization: string;

beforeEach(async () => {
  tested = testApp();
  authorization = await bearer('service');
});

const post = (body: object, headers: Record<string, string> = {}) =>
  request(tested.app).post(path).set('Authorization', authorization).set(headers).send(body);
const get = (url: string) => request(tested.app).get(url).set('Authorization', authorization);
const bad = (answer: { body: { errors?: { path: string }[] } }) =>
  answer.body.errors?.map(({ path: field }) => field).sort();

describe('posting a job', () => {
  const poster = { admin: false, tenantId: 'venue-1' };
  const postable = jobTypes.filter(
    (type) => contractOf(type).refuses(contracts[type].example.payload, poster) === null,
  );
  test.each(postable)('%s answers 202 with the job and where it is', async (type) => {
    const { queue, example } = contracts[type];
    const { status, body, headers } = await post({ queue, type, data: example.payload });
    expect(status).toBe(202);
    const { job } = jobAnswerSchema.parse(body);
    expect(job).toMatchObject({ queue, type, status: 'pending', tenantId: 'venue-1' });
    expect(headers.location).toBe(`${path}/${job.id}`);
    expect((await get(headers.location as string)).body.job.id).toBe(job.id);
  });

  test('hands on the options, the request id and the trace', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const options = {
      priority: 9,
      delayMs: 1_000,
      attempts: 2,
      timeoutMs: 5_000,
      webhookUrl: 'https://shop.example/hook',
    };
    await post({ ...payment, options }, { 'X-Request-Id': 'r-1', traceparent, 'Idempotency-Key': 'k-1' });
    expect(tested.ports.accepted).toEqual([
      {
        type: 'payment-process',
        data: payment.data,
        options,
        tenantId: 'venue-1',
        idempotencyKey: 'k-1',
        requestId: 'r-1',
        traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
        traceparent,
      },
    ]);
  });

  test('fills in the defaults of the contract', async () => {
    const { transferable: _left, ...data } = contracts['nft-mint'].example.payload;
    await post({ queue: 'money', type: 'nft-mint', data });
    expect(tested.ports.accepted[0]?.data.transferable).toBe(true);
  });

  test('ignores a malformed traceparent', async () => {
    await post(payment, { traceparent: '00-zz-1-01' });
    expect(tested.ports.accepted[0]).toMatchObject({ traceId: null, traceparent: null });
  });
});

describe('a bad job', () => {
  test.each([
    ['an unknown queue', { ...payment, queue: 'gold' }, 'unknown_queue', ['queue']],
    ['an unknown type', { ...payment, type: 'mine-gold' }, 'unknown_job_type', ['type']],
    ['a type of Object', { ...payment, type: 'constructor' }, 'unknown_job_type', ['type']],
    ["a queue that is not the type's", { ...payment, queue: 'background' }, 'validation_failed', ['queue']],
    ['nothing', {}, 'validation_failed', ['data', 'queue', 'type']],
    ['an unknown field', { ...payment, prio: 1 }, 'validation_failed', ['prio']],
    ['data that is a list', { ...payment, data: [] }, 'validation_failed', ['data']],
    [
      'many bad fields, in the envelope, the options and the data',
      {
        queue: 'money',
        type: 'payment-process',
        data: { amount: 0.5, currency: 'xxx', cardNumber: '4242', metadata: { queue_id: 'x' } },
        options: { priority: 11, delayMs: -1, retries: 3, webhookUrl: 'ftp://x' },
      },
      'validation_failed',
      [
        'data.amount',
        'data.cardNumber',
        'data.currency',
        'data.metadata',
        'data.orderId',
        'options.delayMs',
        'options.priority',
        'options.retries',
        'options.webhookUrl',
      ],
    ],
  ])('with %s is refused, every bad field named, and nothing is stored', async (_what, body, code, fields) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(problemSchema.parse(answer.body).code).toBe(code);
    expect(bad(answer)).toEqual(fields);
    expect(JSON.stringify(answer.body)).not.toContain('4242');
    expect(tested.ports.accepted).toEqual([]);
  });
});

describe('an idempotency key', () => {
  test.each([
    ['in the header', {}, { 'Idempotency-Key': 'order-1' }],
    ['in the options', { options: { idempotencyKey: 'order-1' } }, {}],
    ['in both, the same', { options: { idempotencyKey: 'order-1' } }, { 'Idempotency-Key': 'order-1' }],
  ])('%s gives the first job for the same body', async (_where, extra, headers) => {
    const first = await post({ ...payment, ...extra }, headers);
    const again = await post({ ...payment, ...extra }, headers);
    expect([first.status, again.status]).toEqual([202, 200]);
    expect(first.headers).not.toHaveProperty('idempotent-replayed');
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.headers.location).toBe(first.headers.location);
    expect(again.body).toEqual(first.body);
    expect(tested.ports.accepted).toHaveLength(1);
  });

  test('is refused for another body', async () => {
    const headers = { 'Idempotency-Key': 'order-1' };
    const first = await post(payment, headers);
    const { status, body } = await post({ ...payment, data: { ...payment.data, amount: 1 } }, headers);
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'idempotency_key_reused' });
    expect(body.detail).toContain(first.body.job.id);
    expect(tested.ports.accepted).toHaveLength(1);
  });

  test("of one tenant is not another's", async () => {
    const headers = { 'Idempotency-Key': 'order-1' };
    await post(payment, headers);
    authorization = await bearer('otherTenant');
    expect((await post(payment, headers)).status).toBe(202);
  });

  test('that differs between header and body is refused', async () => {
    const answer = await post({ ...payment, options: { idempotencyKey: 'a' } }, { 'Idempotency-Key': 'b' });
    expect(answer.status).toBe(400);
    expect(bad(answer)).toEqual(['options.idempotencyKey']);
  });

  test.each([
    ['with a space', 'a b'],
    ['too long', 'x'.repeat(256)],
  ])('%s is refused', async (_what, key) => {
    const answer = await post(payment, { 'Idempotency-Key': key });
    expect(answer.status).toBe(400);
    expect(bad(answer)).toEqual(['Idempotency-Key']);
  });
});

test.each([
  [new QueueUnavailableError('Redis is away'), 'queue_unavailable'],
  [new DatabaseUnavailableError('PostgreSQL is away'), 'database_unavailable'],
])('%s is answered 503 with a time to come back', async (failure, code) => {
  tested.ports.failure = failure;
  const { status, body, headers } = await post(payment);
  expect({ status, code: body.code }).toEqual({ status: 503, code });
  expect(headers['retry-after']).toBe('5');
});

describe('the list of jobs', () => {
  const made = (second: number, fields: Partial<ReturnType<typeof jobResource>> = {}) =>
    jobResource({ createdAt: new Date(Date.UTC(2026, 7, 1, 12, 0, second)).toISOString(), ...fields });

  test('goes on from page to page until all were seen once', async () => {
    tested.ports.storedJobs.push(...Array.from({ length: 7 }, (_, index) => made(Math.floor(index / 3))));
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await get(`${path}?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...body.jobs.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor;
    }
    expect(seen).toHaveLength(7);
    expect(new Set(seen)).toEqual(new Set(tested.ports.storedJobs.map(({ id }) => id)));
  });

  test.each([
    ['queue=money', 1],
    ['type=nft-mint', 1],
    ['status=failed', 2],
    ['status=failed&queue=background', 1],
    ['from=2026-08-01T12:00:05Z', 2],
    ['to=2026-08-01T14:00:05%2B02:00', 1],
    ['limit=2', 2],
  ])('filtered by %s has %i', async (query, count) => {
    tested.ports.storedJobs.push(
      made(1, { status: 'failed' }),
      made(5, { queue: 'money', type: 'nft-mint', status: 'failed' }),
      made(9, { status: 'completed' }),
    );
    expect((await get(`${path}?${query}`)).body.jobs).toHaveLength(count);
  });

  test.each([
    ['queue=gold', 'queue'],
    ['type=x', 'type'],
    ['status=done', 'status'],
    ['from=yesterday', 'from'],
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=1e1', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['sort=id', 'sort'],
    ['type=%00', 'type'],
  ])('refuses %s', async (query, field) => {
    const answer = await get(`${path}?${query}`);
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status: 400, code: 'validation_failed' });
    expect(bad(answer)).toEqual([field]);
  });

  test.each(['x', 'e30', Buffer.from('{"createdAt":"now","id":"1"}').toString('base64url')])(
    'refuses the cursor %s',
    async (cursor) => {
      const { status, body } = await get(`${path}?cursor=${cursor}`);
      expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_cursor' });
    },
  );
});
