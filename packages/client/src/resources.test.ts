import { expect, test } from 'vitest';
import { createQueueClient, type QueueClient } from './client.ts';
import { type Reply, stubApi } from './testing/stub-api.ts';

const id = '0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f';
const page = { nextCursor: null };

/** What a call sends, and an answer that it takes. */
const calls: [call: (client: QueueClient) => Promise<unknown>, request: string, body: unknown, reply: Reply['body']][] =
  [
    [
      (client) => client.jobs.list({ status: 'failed', limit: 5 }),
      'GET /jobs?status=failed&limit=5',
      '',
      { jobs: [], ...page },
    ],
    [
      (client) =>
        client.jobs.addBatch([
          { type: 'analytics-track', data: { userId: 'u', event: 'e' }, options: { idempotencyKey: 'k' } },
        ]),
      'POST /jobs/batch',
      {
        jobs: [
          {
            queue: 'background',
            type: 'analytics-track',
            data: { userId: 'u', event: 'e' },
            options: { idempotencyKey: 'k' },
          },
        ],
      },
      { jobs: [], replayed: [] },
    ],
    [
      (client) => client.tenants.setLimits('venue-1', { maxRunning: 2 }),
      'PUT /tenants/venue-1/limits',
      { maxRunning: 2 },
      {
        limits: {
          ...{ tenantId: 'venue-1', weight: 1, maxRunning: 2, maxPerSecond: null },
          ...{ updatedBy: 'root', updatedAt: '2030-01-01T00:00:00.000Z' },
        },
      },
    ],
    [(client) => client.flows.list({ status: 'running' }), 'GET /flows?status=running', '', { flows: [], ...page }],
    [
      (client) => client.deadLetters.list({ queue: 'money' }),
      'GET /dead-letters?queue=money',
      '',
      { deadLetters: [], ...page },
    ],
    [
      (client) => client.deadLetters.redriveMany({ filter: { type: 'send-sms' } }),
      'POST /dead-letters/redrive',
      { filter: { type: 'send-sms' } },
      { dryRun: true, matching: 0, deadLetters: [], skipped: [], run: null },
    ],
    [(client) => client.schedules.list(), 'GET /schedules', '', { schedules: [], ...page }],
    [(client) => client.schedules.preview(id, { count: 2 }), `GET /schedules/${id}/preview?count=2`, '', { fires: [] }],
    [
      (client) => client.queues.clean('money', { state: 'failed' }),
      'DELETE /queues/money/clean?state=failed',
      '',
      { removed: 0, more: false },
    ],
    [
      (client) => client.queues.metrics('money'),
      'GET /queues/money/metrics',
      '',
      { queue: 'money', metrics: [], nextFrom: null },
    ],
    [
      (client) => client.auditLog.list({ action: 'queue.pause' }),
      'GET /audit-log?action=queue.pause',
      '',
      { entries: [], ...page },
    ],
    [
      (client) => client.suppressions.list({ channel: 'sms' }),
      'GET /suppressions?channel=sms',
      '',
      { suppressions: [], ...page },
    ],
    [
      (client) => client.books.differences({ status: 'open' }),
      'GET /books/differences?status=open',
      '',
      { differences: [], ...page },
    ],
    [(client) => client.books.reconciliations(), 'GET /books/reconciliations', '', { reconciliations: [], ...page }],
  ];

test.each(calls)('call %# asks for its resource and reads its answer', async (call, request, body, reply) => {
  await using api = await stubApi([{ status: 200, body: reply }]);
  const client = createQueueClient({ baseUrl: api.url, token: 't' });
  expect(await call(client)).toEqual(reply);
  const [sent] = api.received;
  expect(`${sent?.method} ${sent?.path}`).toBe(request.replace('/', '/api/v1/queue/'));
  expect(sent?.body === '' ? '' : JSON.parse(sent?.body ?? '')).toEqual(body);
});

test('what would happen twice is not sent again when the connection is lost, what would not is', async () => {
  await using api = await stubApi([null]);
  const timing = { now: () => 0, random: () => 0, sleep: async () => {} };
  const client = createQueueClient({ baseUrl: api.url, token: 't', timing, maxTries: 2 });
  await expect(client.deadLetters.redrive(id)).rejects.toThrow();
  expect(api.received).toHaveLength(1);
  await expect(client.queues.pause('money')).rejects.toThrow();
  expect(api.received).toHaveLength(3);
});

test('a removal that answers nothing is no unexpected answer', async () => {
  await using api = await stubApi([{ status: 204, body: '' }]);
  expect(await createQueueClient({ baseUrl: api.url, token: 't' }).schedules.remove(id)).toBeUndefined();
});

test('a report is opened as a stream, with the name of its file', async () => {
  const headers = { 'content-type': 'text/csv', 'content-disposition': 'attachment; filename="settlement.csv"' };
  await using api = await stubApi([{ status: 200, headers, body: [1, 2] }]);
  const report = await createQueueClient({ baseUrl: api.url, token: 't' }).reports.download(id);
  expect(report).toMatchObject({ fileName: 'settlement.csv', mediaType: 'text/csv' });
  expect(await new Response(report.body).text()).toBe('[1,2]');
  expect(api.received[0]?.path).toBe(`/api/v1/queue/reports/${id}`);
});
