import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMetrics } from '@queue-service/observability';
import { type JobContext, type Runtime, startFleetWorker } from '@queue-service/queue';
import { createFileStorage } from '@queue-service/report-storage';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createBackgroundHandlers } from '../handlers.ts';
import { seedLedger } from '../testing/seed-ledger.ts';
import { testContext } from '../testing/test-context.ts';
import { openTestRuntime, testLog } from '../testing/test-runtime.ts';

let runtime: Runtime;
let config: Awaited<ReturnType<typeof openTestRuntime>>['config'];
let folder: string;
const segment = { track: async () => undefined, close: async () => undefined };
const month = { from: '2027-01-01T00:00:00Z', to: '2027-02-01T00:00:00Z' };

beforeAll(async () => {
  ({ runtime, config } = await openTestRuntime());
  folder = await mkdtemp(join(tmpdir(), 'reports-'));
  const at = new Date('2027-01-10T00:00:00Z');
  const payment = (tenantId: string, amount: number, currency: string) => ({
    tenantId,
    createdAt: at,
    finishedAt: at,
    payload: { connectedAccountId: 'acct_1234', applicationFeeAmount: 100 },
    effects: [{ amount, currency }],
  });
  await seedLedger(runtime, [
    payment('venue-1', 4_900, 'eur'),
    payment('venue-1', 5_100, 'eur'),
    payment('venue-2', 700, 'jpy'),
  ]);
  const letter = {
    queue: 'money',
    type: 'payment-process',
    reason: 'permanent',
    attempts: 1,
    payload: { secret: 'personal' },
    payloadVersion: 1,
  };
  const policy = { priority: 7, maxAttempts: 10, timeoutMs: 1 };
  await runtime.db.prisma.deadLetter.createMany({
    data: Array.from({ length: 2_345 }, (_, n) => ({
      ...letter,
      ...policy,
      id: randomUUID(),
      jobId: randomUUID(),
      tenantId: n % 5 === 0 ? 'venue-2' : 'venue-1',
      error: { code: n % 3 === 0 ? 'card_declined' : 'invalid_request', message: `number ${n}` },
      // Many in one moment: the key must tell them apart.
      createdAt: new Date(at.getTime() + Math.floor(n / 700)),
    })),
  });
  await runtime.db.prisma.queueMetric.createMany({
    data: Array.from({ length: 3_000 }, (_, n) => ({
      queue: ['money', 'communication', 'background'][n % 3] ?? '',
      waiting: n,
      active: 0,
      delayed: 0,
      completed: 0,
      failed: 0,
      oldestWaitingMs: 1_500n,
      capturedAt: new Date(at.getTime() + Math.floor(n / 3) * 15_000),
    })),
  });
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

const handlers = (storage = createFileStorage(folder) as ReturnType<typeof createFileStorage> | null) =>
  createBackgroundHandlers({ runtime, segment, storage, publicUrl: 'https://queue.example' });
type Payload = Parameters<ReturnType<typeof handlers>['generate-report']>[0];
const generate = (payload: Partial<Payload>, given: Partial<JobContext> = {}) =>
  handlers()['generate-report']({ kind: 'settlement', format: 'csv', ...month, ...payload }, testContext(given));
async function fileOf(result: Awaited<ReturnType<typeof generate>>) {
  if (!('reportId' in result)) throw new Error('no result');
  const report = await runtime.db.prisma.report.findUniqueOrThrow({ where: { id: result.reportId } });
  return { result, report, content: await readFile(join(folder, report.location)) };
}
const linesOf = (content: Buffer) =>
  content
    .toString()
    .trimEnd()
    .split('\r\n')
    .map((line) => line.split(','));

it('settles all venues for the platform, and each venue for itself alone', async () => {
  const { result, report, content } = await fileOf(await generate({}));
  expect(content.toString()).toBe(
    [
      'Venue,Currency,Payments,Gross,Refunds,Refunded,Disputed,Fees,Fees returned,Net,Transferred,Paid out',
      'venue-1,EUR,2,100.00,0,0.00,0.00,2.00,0.00,98.00,0.00,0.00',
      'venue-2,JPY,1,700,0,0,0,100,0,600,0,0',
      '',
    ].join('\r\n'),
  );
  expect(result).toMatchObject({
    rows: 2,
    bytes: content.length,
    format: 'csv',
    url: `/api/v1/queue/reports/${report.id}`,
  });
  expect(report).toMatchObject({ kind: 'settlement', rows: 2, bytes: BigInt(content.length), tenantId: 'platform' });

  const own = await fileOf(await generate({}, { tenantId: 'venue-2' }));
  expect(
    linesOf(own.content)
      .slice(1)
      .map(([venue]) => venue),
  ).toEqual(['venue-2']);
});

it('lists every dead letter once, without payloads', async () => {
  const all = await fileOf(await generate({ kind: 'dead-letters' }));
  const messages = linesOf(all.content)
    .slice(1)
    .map((line) => line[7]);
  expect(new Set(messages).size).toBe(2_345);
  expect(messages).toHaveLength(2_345);
  expect(all.content.toString()).not.toContain('personal');
  const own = await fileOf(await generate({ kind: 'dead-letters' }, { tenantId: 'venue-2' }));
  expect(own.result.rows).toBe(469);
});

it('shows the health of the queues over time', async () => {
  const { content, result } = await fileOf(await generate({ kind: 'queue-health' }));
  expect(result.rows).toBe(3_000);
  const waiting = linesOf(content)
    .slice(1)
    .map((line) => Number(line[3]));
  expect(waiting.sort((a, b) => a - b)).toEqual(Array.from({ length: 3_000 }, (_, n) => n));
  expect(linesOf(content)[1]?.[9]).toBe('1.5');
});

it.each(['settlement', 'dead-letters', 'queue-health'] as const)(
  'writes the report of %s in the other formats',
  async (kind) => {
    for (const [format, magic] of [
      ['pdf', '%PDF-'],
      ['xlsx', 'PK'],
    ] as const) {
      const { content, result } = await fileOf(await generate({ kind, format }));
      expect(content.subarray(0, magic.length).toString()).toBe(magic);
      expect(result).toMatchObject({ format, bytes: content.length });
    }
  },
);

it('has one report a job, however often it runs', async () => {
  const jobId = randomUUID();
  const first = await generate({}, { jobId });
  const files = (await readdir(folder, { recursive: true })).length;
  expect(await generate({}, { jobId, attempt: 2 })).toEqual(first);
  expect((await readdir(folder, { recursive: true })).length).toBe(files);
  expect(await runtime.db.prisma.report.count({ where: { jobId } })).toBe(1);
});

it('has its mail enqueued once, with a link', async () => {
  const jobId = randomUUID();
  const emailTo = 'ada@example.com';
  await generate({ emailTo }, { jobId, tenantId: 'venue-1' });
  await generate({ emailTo }, { jobId, tenantId: 'venue-1', attempt: 2 });
  const waiting = await runtime.connections.of('communication').queue.getPrioritized();
  expect(waiting).toHaveLength(1);
  const [mail] = waiting;
  expect(mail?.name).toBe('send-email');
  expect(JSON.stringify(mail?.data)).not.toContain(emailTo);
  const opened = runtime.sealer.open(mail?.data.payload, ['to', 'subject', 'text']);
  expect(opened).toMatchObject({
    to: emailTo,
    text: expect.stringContaining(`https://queue.example/api/v1/queue/reports/${jobId}`),
  });
});

it('refuses for good when there is nowhere to put a report', async () => {
  const refused = handlers(null)['generate-report']({ kind: 'settlement', format: 'csv', ...month }, testContext());
  await expect(refused).rejects.toMatchObject({ name: 'PermanentError', code: 'storage_not_configured' });
});

it('runs as a job', async () => {
  const worker = startFleetWorker({
    runtime,
    queue: 'background',
    handlers: handlers(),
    config: { ...config, WORKER_CONCURRENCY: 2 },
    log: testLog,
    metrics: createMetrics({ service: 'test' }),
  });
  try {
    const [answer] = await runtime.producer.accept([
      { type: 'generate-report', tenantId: 'venue-1', data: { kind: 'settlement', format: 'csv', ...month } },
    ]);
    const id = answer !== undefined && 'job' in answer ? answer.job.id : '';
    const job = await vi.waitFor(
      () => runtime.db.prisma.job.findFirstOrThrow({ where: { id, finishedAt: { not: null } } }),
      { timeout: 15_000 },
    );
    expect(job).toMatchObject({ status: 'completed', result: { reportId: id, rows: 1, format: 'csv' } });
  } finally {
    await worker.close(1_000);
  }
});
