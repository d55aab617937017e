import {
  type CreateFlow,
  contractOf,
  createFlowSchema,
  type FlowResource,
  PermanentError,
  planFlow,
} from '@queue-service/contracts';
import { createLogger, createMetrics, Secret } from '@queue-service/observability';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startFleetWorker } from '../fleet.ts';
import type { Handlers, JobContext } from '../handler.ts';
import type { WorkerHost } from '../host/worker-host.ts';
import { openRuntime, type Runtime } from '../runtime.ts';

const log = createLogger({ service: 'test', level: 'silent' });
let runtime: Runtime;
const workers: WorkerHost[] = [];

/** What jobs do, by the order they are for or the address they go to; nothing: they succeed. */
const scripts = new Map<string, (ctx: JobContext) => Promise<unknown>>();
/** What was done, in order. */
const done: string[] = [];

async function play(name: string, ctx: JobContext): Promise<void> {
  await scripts.get(name)?.(ctx);
  done.push(name);
}
const money: Handlers<'money'> = {
  'payment-process': async ({ orderId }, ctx) => {
    await play(orderId, ctx);
    return { ...contractOf('payment-process').example.result, paymentIntentId: `pi_${orderId}` } as never;
  },
  'refund-process': async ({ paymentIntentId }, ctx) => {
    await play(`refund ${paymentIntentId}`, ctx);
    return contractOf('refund-process').example.result as never;
  },
  'payout-process': async () => contractOf('payout-process').example.result as never,
  'reconcile-books': async () => contractOf('reconcile-books').example.result as never,
  'nft-mint': async () => contractOf('nft-mint').example.result as never,
};
const communication: Handlers<'communication'> = {
  'send-email': async ({ to }, ctx) => {
    await play(to as string, ctx);
    return { messageId: 'm', accepted: 1, provider: 'test', suppressed: false, suppressedReason: null };
  },
  'send-sms': async () => contractOf('send-sms').example.result as never,
  'send-push': async () => contractOf('send-push').example.result as never,
  'deliver-webhook': async () => ({ statusCode: 200, durationMs: 1 }),
};

beforeAll(async () => {
  const { url } = await useDatabase();
  const { prefix, url: redis } = usePrefix();
  const config = {
    DATABASE_URL: new Secret(url),
    DATABASE_POOL_SIZE: 10,
    PAYLOAD_ENCRYPTION_KEYS: [{ id: 'k', key: Buffer.alloc(32, 7) }],
    REDIS_URL: new Secret(redis),
    QUEUE_PREFIX: prefix,
    WORKER_CONCURRENCY: 5,
  };
  runtime = openRuntime({ config, applicationName: 'test', log });
  await vi.waitFor(() => expect(runtime.connections.all[0]?.redis.status).toBe('ready'));
  const parts = { runtime, config, log, metrics: createMetrics({ service: 'test' }) };
  workers.push(
    startFleetWorker({ ...parts, queue: 'money', handlers: money }),
    startFleetWorker({ ...parts, queue: 'communication', handlers: communication }),
  );
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.close(1_000)));
  await runtime.close();
});
beforeEach(() => {
  scripts.clear();
  done.length = 0;
});

const pay = (name: string, more: object = {}) => ({
  name,
  type: 'payment-process',
  data: { ...contractOf('payment-process').example.payload, orderId: name },
  ...more,
});
const mail = (name: string, more: object = {}) => ({
  name,
  type: 'send-email',
  data: { to: `${name}@flow.example`, subject: 's', text: 't' },
  ...more,
});
const refundOf = (name: string) => ({
  compensation: { type: 'refund-process', data: { paymentIntentId: { $ref: `steps.${name}.result.paymentIntentId` } } },
});
const refuse = async () => {
  throw new PermanentError({ code: 'refused', message: 'The provider refused' });
};
/** Runs until it is told to stop. */
const hang = (ctx: JobContext) =>
  new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)));

async function start(steps: object[]): Promise<string> {
  const planned = planFlow(createFlowSchema.parse({ steps }) as CreateFlow);
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
  const answer = await runtime.flows.create({
    ...{ plan: planned.plan, tenantId: 't', idempotencyKey: null, requestHash: '00', webhookUrl: null },
    ...{ requestId: null, traceId: null, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
  });
  if (answer.outcome !== 'created') throw new Error(answer.outcome);
  await runtime.ends.followUp(answer.due);
  return answer.flow.id;
}
const find = async (id: string) => (await runtime.flows.find(id, 't')) as FlowResource;
const until = (id: string, seen: object) =>
  vi.waitFor(async () => expect(await find(id)).toMatchObject(seen), { timeout: 20_000, interval: 50 });
const ends = async (id: string, status: string) => {
  await until(id, { status, finishedAt: expect.any(String) });
  return find(id);
};
const statuses = (flow: FlowResource) => Object.fromEntries(flow.steps.map(({ name, status }) => [name, status]));
const letterOf = (jobId: string | null | undefined) =>
  runtime.db.prisma.deadLetter.findUniqueOrThrow({ where: { jobId: jobId ?? '' } });

it('shows a step that runs as such, with its attempt and since when', async () => {
  for (const name of ['slow', 'slow-mail@flow.example']) scripts.set(name, hang);
  const id = await start([pay('slow'), mail('slow-mail')]);
  const running = { status: 'processing', attempts: 1, startedAt: expect.any(String), finishedAt: null };
  await until(id, { status: 'running', steps: [running, running] });
  await runtime.cancelFlow(id, 't');
  await ends(id, 'cancelled');
});

it('takes the trace of the request to every step', async () => {
  const traces: string[] = [];
  scripts.set('traced', async () => {
    const rows = await runtime.db.prisma.criticalJob.findMany({ where: { flowId: id } });
    traces.push(...rows.map(({ traceparent }) => traceparent ?? ''));
  });
  scripts.set('traced-mail@flow.example', async (ctx) => {
    const job = await runtime.connections.of('communication').queue.getJob(ctx.jobId);
    traces.push(job?.data.traceparent);
  });
  const id = await start([pay('traced'), mail('traced-mail', { dependsOn: ['traced'] })]);
  await ends(id, 'completed');
  expect(traces).toEqual([expect.stringContaining('aaaa'), expect.stringContaining('aaaa')]);
});

describe('a step that dies', () => {
  it('has what is queued beside it cancelled before what was done is undone, each once and in reverse order', async () => {
    const { queue } = runtime.connections.of('communication');
    await queue.pause();
    scripts.set('bad', refuse);
    const id = await start([
      pay('alpha', refundOf('alpha')),
      pay('bravo', { dependsOn: ['alpha'], ...refundOf('bravo') }),
      mail('beside', { dependsOn: ['bravo'] }),
      pay('bad', { dependsOn: ['bravo'], onFailure: 'compensate' }),
    ]);
    const flow = await ends(id, 'compensated').finally(() => queue.resume());
    expect(done).toEqual(['alpha', 'bravo', 'refund pi_bravo', 'refund pi_alpha']);
    expect(statuses(flow)).toEqual({ alpha: 'completed', bravo: 'completed', beside: 'cancelled', bad: 'failed' });
    expect(flow.error).toMatchObject({ code: 'refused' });
    const beside = flow.steps.find(({ name }) => name === 'beside')?.jobId ?? '';
    expect(await queue.getJob(beside)).toBeUndefined();
    expect(await runtime.retryFlow({ flowId: id }, 't', 'ada')).toMatchObject({ outcome: 'refused' });
    const letter = await letterOf(flow.steps.at(-1)?.jobId);
    expect(await runtime.redriveJob({ id: letter.id }, 't', 'ada')).toMatchObject({ outcome: 'refused' });
  });
});

describe('cancelling a flow', () => {
  it('stops what runs and what waits, and undoes what was done where a step that did not complete asks for it', async () => {
    scripts.set('running', hang);
    const id = await start([
      pay('paid', refundOf('paid')),
      pay('running', { dependsOn: ['paid'], onFailure: 'compensate' }),
      mail('never', { dependsOn: ['running'] }),
    ]);
    await until(id, { steps: [{}, { status: 'processing' }, {}] });
    expect(await runtime.cancelFlow(id, 'other')).toEqual({ outcome: 'not_found' });
    expect(await runtime.cancelFlow(id, 't')).toMatchObject({ outcome: 'cancelled', flow: { finishedAt: null } });
    expect(await runtime.cancelFlow(id, 't')).toMatchObject({ outcome: 'cancelled' });
    const flow = await ends(id, 'cancelled');
    expect(statuses(flow)).toEqual({ paid: 'completed', running: 'cancelled', never: 'skipped' });
    expect(flow.steps[0]?.compensation).toMatchObject({ status: 'completed' });
    expect(done).toEqual(['paid', 'refund pi_paid']);
    expect(await runtime.retryFlow({ flowId: id }, 't', 'ada')).toMatchObject({ outcome: 'refused' });
  });

  it('does not pretend that what was done all the same was not, and undoes nothing that no step asks for', async () => {
    let go: () => void = () => {};
    const asked = new Promise<void>((resolve) => {
      go = resolve;
    });
    scripts.set('stubborn', () => asked);
    const id = await start([
      pay('stubborn', { onFailure: 'compensate', ...refundOf('stubborn') }),
      mail('after', { dependsOn: ['stubborn'], onFailure: 'continue' }),
    ]);
    await until(id, { steps: [{ status: 'processing' }, {}] });
    await runtime.cancelFlow(id, 't');
    go();
    expect(statuses(await ends(id, 'cancelled'))).toEqual({ stubborn: 'completed', after: 'skipped' });
    expect(done).toEqual(['stubborn']);
  });

  it('is refused when it has another end', async () => {
    const id = await start([pay('only')]);
    await ends(id, 'completed');
    expect(await runtime.cancelFlow(id, 't')).toEqual({ outcome: 'ended', status: 'completed' });
  });
});

describe('a failed flow', () => {
  it('is retried from the step it failed at, as the same job, and its letter is resolved', async () => {
    scripts.set('flaky', refuse);
    const id = await start([
      pay('first'),
      pay('flaky', { dependsOn: ['first'] }),
      mail('last', { dependsOn: ['flaky'] }),
    ]);
    const failed = await ends(id, 'failed');
    expect(statuses(failed)).toEqual({ first: 'completed', flaky: 'failed', last: 'skipped' });
    scripts.delete('flaky');
    const answers = await Promise.all([1, 2].map(() => runtime.retryFlow({ flowId: id }, 't', 'ada')));
    expect(answers.map(({ outcome }) => outcome).sort()).toEqual(['refused', 'retried']);
    const flow = await ends(id, 'completed');
    expect(flow).toMatchObject({ error: null });
    expect(flow.steps[1]?.jobId).toBe(failed.steps[1]?.jobId);
    expect(done).toEqual(['first', 'flaky', 'last@flow.example']);
    expect(await letterOf(flow.steps[1]?.jobId)).toMatchObject({ status: 'redriven', resolvedBy: 'ada', redrives: 1 });
  });

  it('is resumed by a redrive of the dead letter of its step, also of one that lives in Redis', async () => {
    scripts.set('bounced@flow.example', refuse);
    const id = await start([mail('bounced'), pay('then', { dependsOn: ['bounced'] })]);
    const failed = await ends(id, 'failed');
    scripts.delete('bounced@flow.example');
    const { id: letterId } = await letterOf(failed.steps[0]?.jobId);
    expect(await runtime.redriveJob({ id: letterId }, 't', 'ada')).toMatchObject({
      outcome: 'redriven',
      letter: { status: 'redriven', redrives: 1 },
    });
    await ends(id, 'completed');
    expect(done).toEqual(['bounced@flow.example', 'then']);
  });

  it('goes on undoing where a compensation failed', async () => {
    scripts.set('refund pi_sold', refuse);
    scripts.set('no', refuse);
    const id = await start([
      pay('sold', refundOf('sold')),
      pay('no', { dependsOn: ['sold'], onFailure: 'compensate' }),
    ]);
    const failed = await ends(id, 'failed');
    scripts.clear();
    const { id: letterId } = await letterOf(failed.steps[0]?.compensation?.jobId);
    expect(await runtime.redriveJob({ id: letterId }, 't', 'ada')).toMatchObject({ outcome: 'redriven' });
    await ends(id, 'compensated');
    expect(done).toEqual(['sold', 'refund pi_sold']);
  });
});

it('runs a dead step again that its flow has survived, and nothing else', async () => {
  scripts.set('lost@flow.example', refuse);
  const id = await start([mail('lost', { onFailure: 'continue' }), pay('goes-on', { dependsOn: ['lost'] })]);
  const flow = await ends(id, 'completed');
  scripts.clear();
  const { id: letterId } = await letterOf(flow.steps[0]?.jobId);
  expect(await runtime.redriveJob({ id: letterId }, 't', 'ada')).toMatchObject({ outcome: 'redriven' });
  await until(id, { status: 'completed', steps: [{ status: 'completed' }, { status: 'completed' }] });
  expect(done).toEqual(['goes-on', 'lost@flow.example']);
});
