import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { type JobResource, type ProblemCode, problemCodes } from '#contracts';
import { createQueueClient } from './client.ts';
import { JobFailedError, ProblemError, WaitTimeoutError } from './errors.ts';
import type { Timing } from './pauses.ts';
import { pendingJob as job } from './testing/job.ts';
import { type Reply, stubApi } from './testing/stub-api.ts';
import { verifyWebhook } from './webhooks.ts';

const reply = (status: number, change: Partial<JobResource> = {}): Reply => ({
  status,
  body: { job: { ...job, ...change } },
});
const problem = (code: ProblemCode, headers: Record<string, string> = {}, more = {}): Reply => {
  const { status, title } = problemCodes[code];
  return { status, headers, body: { type: 'about:blank', title, status, code, ...more } };
};

/** A clock that only sleeping moves. */
function fakeTiming(): Timing & { slept: number[] } {
  const slept: number[] = [];
  let nowMs = 0;
  return {
    slept,
    now: () => nowMs,
    random: () => 0,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      slept.push(ms);
      nowMs += ms;
    },
  };
}

function clientOf(baseUrl: string) {
  const timing = fakeTiming();
  return { timing, client: createQueueClient({ baseUrl, token: async () => 'secret-token', timing }) };
}
const event = { userId: 'u', event: 'Ticket Purchased' };

test('a job is posted with its queue, the token and a key of its own', async () => {
  await using api = await stubApi([reply(202)]);
  const { client } = clientOf(api.url);
  const added = await client.jobs.add('analytics-track', event, { priority: 9 });
  await client.jobs.add('analytics-track', event);
  expect(added.id).toBe(job.id);
  const [first, second] = api.received;
  expect(first).toMatchObject({ method: 'POST', path: '/api/v1/queue/jobs' });
  expect(first?.headers.authorization).toBe('Bearer secret-token');
  expect(JSON.parse(first?.body ?? '')).toEqual({
    queue: 'background',
    type: 'analytics-track',
    data: event,
    options: { priority: 9 },
  });
  expect(first?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/);
  expect(second?.headers['idempotency-key']).not.toBe(first?.headers['idempotency-key']);
});

test('a lost connection, 429 and 503 are retried under the same key, not before Retry-After', async () => {
  await using api = await stubApi([
    null,
    problem('rate_limited', { 'retry-after': '7' }),
    problem('queue_unavailable'),
    reply(202),
  ]);
  const { client, timing } = clientOf(api.url);
  await client.jobs.add('analytics-track', event);
  expect(new Set(api.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  expect(api.received).toHaveLength(4);
  expect(timing.slept[1]).toBeGreaterThanOrEqual(7_000);
});

test('it gives up after maxTries, and at once when asked for more patience than allowed', async () => {
  await using api = await stubApi([problem('queue_unavailable')]);
  const { client } = clientOf(api.url);
  await expect(client.jobs.get(job.id)).rejects.toMatchObject({ code: 'queue_unavailable', status: 503 });
  expect(api.received).toHaveLength(5);
  await using patient = await stubApi([problem('rate_limited', { 'retry-after': '3600' })]);
  await expect(clientOf(patient.url).client.jobs.get(job.id)).rejects.toMatchObject({ code: 'rate_limited' });
  expect(patient.received).toHaveLength(1);
});

test('a refusal is not retried and tells every bad field', async () => {
  const errors = [{ path: 'data.event', message: 'is required', code: 'invalid_type' }];
  await using api = await stubApi([problem('validation_failed', {}, { errors })]);
  const refusal = await clientOf(api.url)
    .client.jobs.add('analytics-track', event)
    .catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ProblemError);
  expect(refusal).toMatchObject({ code: 'validation_failed', status: 400, errors });
  expect(api.received).toHaveLength(1);
});

test('an answer that is not of this API is an unexpected_answer', async () => {
  await using api = await stubApi([{ status: 200, body: { hello: 'world' } }]);
  await expect(clientOf(api.url).client.jobs.get(job.id)).rejects.toMatchObject({ code: 'unexpected_answer' });
});

test('waiting gives the typed result of a job that completes', async () => {
  await using api = await stubApi([
    reply(200),
    reply(200, { status: 'processing' }),
    reply(200, { status: 'completed', result: { messageId: 'm-1' } }),
  ]);
  const result = await clientOf(api.url).client.jobs.waitFor({ id: job.id, type: 'analytics-track' });
  expect(result.messageId satisfies string).toBe('m-1');
  expect(api.received).toHaveLength(3);
});

test('waiting throws the job that failed', async () => {
  const error = { code: 'invalid_request', message: 'no', retryable: false };
  await using api = await stubApi([reply(200, { status: 'failed', error })]);
  const failure = await clientOf(api.url)
    .client.jobs.waitFor(job.id)
    .catch((thrown: unknown) => thrown);
  expect(failure).toBeInstanceOf(JobFailedError);
  expect(failure).toMatchObject({ job: { id: job.id, error } });
});

test('waiting ends at its time limit and by its signal', async () => {
  await using api = await stubApi([reply(200)]);
  const { client } = clientOf(api.url);
  await expect(client.jobs.waitFor(job.id, { timeoutMs: 1_000 })).rejects.toBeInstanceOf(WaitTimeoutError);
  const stopped = AbortSignal.abort(new Error('shutting down'));
  await expect(client.jobs.waitFor(job.id, { signal: stopped })).rejects.toThrow('shutting down');
});

test('a flow is created under a key and waited for until it has ended', async () => {
  const flow = {
    id: 'f-1',
    name: 'mail',
    template: null,
    status: 'running',
    tenantId: 'venue-1',
    idempotencyKey: null,
    createdAt: job.createdAt,
    finishedAt: null,
    error: null,
    steps: [],
  };
  const answers = ['running', 'compensating', 'compensated'].map((status) => ({
    status: 200,
    body: { flow: { ...flow, status } },
  }));
  await using api = await stubApi(answers);
  const { client } = clientOf(api.url);
  const created = await client.flows.create({ steps: [{ name: 'a', type: 'analytics-track', data: event }] });
  expect(await client.flows.waitFor(created.id)).toMatchObject({ status: 'compensated' });
  expect(api.received[0]?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/);
});

test('a webhook with a true signature is read, a changed one is refused', () => {
  const secret = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;
  const body = '{"type":"job.completed"}';
  const at = new Date();
  const headers = {
    'Webhook-Id': 'msg_1',
    'Webhook-Timestamp': String(Math.floor(at.getTime() / 1_000)),
    'Webhook-Signature': new Webhook(secret).sign('msg_1', at, body),
  };
  expect(verifyWebhook(body, headers, secret)).toEqual({ type: 'job.completed' });
  expect(verifyWebhook(body, new Headers(headers), secret)).toEqual({ type: 'job.completed' });
  expect(() => verifyWebhook(body.replace('completed', 'failed'), headers, secret)).toThrow();
});
