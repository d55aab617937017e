import type { JobResource } from '@queue-service/contracts';
import {
  type CreateFlow,
  contractOf,
  type JobContract,
  PermanentError,
  planFlow,
  RetryableError,
  UnknownOutcomeError,
} from '@queue-service/contracts';
import { createLogger, createMetrics, Secret } from '@queue-service/observability';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Handlers, openRuntime, type Runtime, snooze, startFleetWorker, type WorkerHost } from './index.ts';

const log = createLogger({ service: 'test', level: (process.env.LOG_LEVEL as 'silent') ?? 'silent' });
let runtime: Runtime;
let config: Parameters<typeof openRuntime>[0]['config'] & { WORKER_CONCURRENCY: number };
const workers: WorkerHost[] = [];

/** What the handlers of this test do, by order id. */
const scripts = new Map<string, (ctx: Parameters<Handlers<'money'>['payment-process']>[1]) => Promise<unknown>>();
const paid = {
  paymentIntentId: 'pi_test_of_this_file',
  status: 'succeeded',
  amount: 100,
  currency: 'eur',
  chargeId: null,
};

/** What payments were told of theirs, by order id. */
const descriptions = new Map<string, string | undefined>();

/** Payment intents that were refunded. */
const refunds: string[] = [];

const money: Handlers<'money'> = {
  'payment-process': async (payload, ctx) => {
    descriptions.set(payload.orderId, payload.description);
    return ((await scripts.get(payload.orderId)?.(ctx)) as never) ?? paid;
  },
  'refund-process': async (payload) => {
    refunds.push(payload.paymentIntentId ?? '');
    return contractOf('refund-process').example.result as never;
  },
  'payout-process': async () => contractOf('payout-process').example.result as never,
  'reconcile-books': async () => contractOf('reconcile-books').example.result as never,
  'nft-mint': async () => {
    throw new PermanentError({ code: 'owner_wallet_invalid', message: 'The wallet cannot hold a token' });
  },
};

beforeAll(async () => {
  const { url } = await useDatabase();
  const { prefix, url: redis } = usePrefix();
  config = {
    DATABASE_URL: new Secret(url),
    DATABASE_POOL_SIZE: 10,
    PAYLOAD_ENCRYPTION_KEYS: [{ id: 'k', key: Buffer.alloc(32, 7) }],
    REDIS_URL: new Secret(redis),
    QUEUE_PREFIX: prefix,
    WORKER_CONCURRENCY: 5,
  };
  runtime = openRuntime({ config, applicationName: 'test', log });
  await vi.waitFor(() => expect(runtime.connections.all[0]?.redis.status).toBe('ready'));
  workers.push(
    startFleetWorker({
      runtime,
      queue: 'money',
      handlers: money,
      config,
      log,
      metrics: createMetrics({ service: 'test' }),
      abortGraceMs: 100,
    }),
    startFleetWorker({
      runtime,
      queue: 'communication',
      config,
      log,
      metrics: createMetrics({ service: 'test' }),
      abortGraceMs: 100,
      handlers: {
        'send-email': async (payload, ctx) => {
          const text = typeof payload.to === 'string' ? payload.to : '';
          await scripts.get(text)?.(ctx as never);
          return { messageId: 'm', accepted: 1, provider: 'test', suppressed: false, suppressedReason: null };
        },
        'send-sms': async () => contractOf('send-sms').example.result as never,
        'send-push': async () => contractOf('send-push').example.result as never,
        'deliver-webhook': async () => ({ statusCode: 200, durationMs: 1 }),
      },
    }),
  );
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.close(1_000)));
  await runtime.close();
});

function pay(orderId: string, more: object = {}) {
  return {
    type: 'payment-process' as const,
    tenantId: 't1',
    data: { orderId, amount: 100, currency: 'eur', paymentMethodId: 'pm_card_visa' },
    ...more,
  };
}
async function post(job: Parameters<Runtime['producer']['accept']>[0][number]) {
  const [answer] = await runtime.producer.accept([job]);
  if (answer === undefined || answer.outcome === 'key_reused') throw new Error('not accepted');
  return answer.job;
}
async function ended(id: string): Promise<JobResource> {
  return vi.waitFor(
    async () => {
      const job = await runtime.reader.find(id, null);
      expect(job?.finishedAt).toBeTruthy();
      return job as JobResource;
    },
    { timeout: 20_000, interval: 50 },
  );
}

it('runs an accepted money job to its result', async () => {
  const job = await post(pay('plain'));
  expect(await ended(job.id)).toMatchObject({ status: 'completed', attempts: 1, result: paid });
});

it('answers the same key and body with the first job, another body with key_reused, another tenant with a job of its own', async () => {
  const first = await post(pay('k', { idempotencyKey: 'key-1' }));
  const answers = await Promise.all([
    runtime.producer.accept([pay('k', { idempotencyKey: 'key-1' })]),
    runtime.producer.accept([pay('other', { idempotencyKey: 'key-1' })]),
    runtime.producer.accept([pay('k', { idempotencyKey: 'key-1', tenantId: 't2' })]),
  ]);
  expect(answers[0]).toMatchObject([{ outcome: 'replayed', job: { id: first.id } }]);
  expect(answers[1]).toEqual([{ outcome: 'key_reused', jobId: first.id }]);
  expect(answers[2]).toMatchObject([{ outcome: 'created' }]);
});

it('keeps idempotency of mails in Redis the same way', async () => {
  const mail = (subject: string) => ({
    type: 'send-email' as const,
    tenantId: 't1',
    idempotencyKey: 'mail-1',
    data: { to: 'ada@example.com', subject, text: 'x' },
  });
  const first = await post(mail('a'));
  expect(await runtime.producer.accept([mail('a')])).toMatchObject([{ outcome: 'replayed', job: { id: first.id } }]);
  expect(await runtime.producer.accept([mail('b')])).toEqual([{ outcome: 'key_reused', jobId: first.id }]);
  expect(await ended(first.id)).toMatchObject({ status: 'completed' });
});

it('accepts a batch as a whole or not at all', async () => {
  const taken = await post(pay('batch', { idempotencyKey: 'batch-1' }));
  const before = await runtime.db.prisma.criticalJob.count();
  const answers = await runtime.producer.accept([pay('fresh'), pay('different', { idempotencyKey: 'batch-1' })]);
  expect(answers[1]).toEqual({ outcome: 'key_reused', jobId: taken.id });
  expect(await runtime.db.prisma.criticalJob.count()).toBe(before);
});

it('retries what may succeed later, and counts the attempt', async () => {
  let tries = 0;
  scripts.set('flaky', async () => {
    tries += 1;
    if (tries === 1) throw new RetryableError({ code: 'down', message: 'down' });
  });
  const job = await post(pay('flaky'));
  expect(await ended(job.id)).toMatchObject({ status: 'completed', attempts: 2, error: null });
});

it('dead-letters what is permanent, at once, with its history', async () => {
  scripts.set('declined', async () => {
    throw new PermanentError({ code: 'card_declined', message: 'The card was declined' });
  });
  const job = await post(pay('declined'));
  expect(await ended(job.id)).toMatchObject({
    status: 'failed',
    attempts: 1,
    error: { code: 'card_declined', message: 'The card was declined', retryable: false },
  });
  const letter = await runtime.db.prisma.deadLetter.findUniqueOrThrow({ where: { jobId: job.id } });
  expect(letter).toMatchObject({ reason: 'permanent', status: 'open', attempts: 1 });
  expect(letter.attemptLog).toMatchObject([{ attempt: 1, outcome: 'dead', error: { code: 'card_declined' } }]);
});

/** Until the answer is called, the contract of payments has this version, as after a deploy. */
function deploy(version: number, upgrades: JobContract['upgrades']): () => void {
  const contract = contractOf('payment-process');
  const before = { version: contract.version, upgrades: contract.upgrades };
  Object.assign(contract, { version, upgrades });
  return () => Object.assign(contract, before);
}
const described = (payload: Record<string, unknown>) => ({ ...payload, description: `Order ${payload['orderId']}` });

it('brings what was kept under an older contract to the present one, when it runs and when it is redriven', async () => {
  scripts.set('old-dead', async () => {
    throw new PermanentError({ code: 'card_declined', message: 'The card was declined' });
  });
  const dead = await post(pay('old-dead'));
  await ended(dead.id);
  const waiting = await post(pay('old-waiting', { options: { delayMs: 1_500 } }));
  scripts.delete('old-dead');

  const rollBack = deploy(3, {
    1: described,
    2: ({ description, ...rest }) => ({ ...rest, description: `${description}!` }),
  });
  expect(await runtime.redriveJob({ jobId: dead.id }, null, 'ada')).toMatchObject({ outcome: 'redriven' });
  for (const { id } of [dead, waiting]) expect(await ended(id)).toMatchObject({ status: 'completed' });
  expect(descriptions.get('old-dead')).toBe('Order old-dead!');
  expect(descriptions.get('old-waiting')).toBe('Order old-waiting!');
  rollBack();
});

it('dead-letters, by the reason contract, what has no way to the present one', async () => {
  const old = await post(pay('no-way', { options: { delayMs: 500 } }));
  const rollBack = deploy(3, { 2: described });
  expect(await ended(old.id)).toMatchObject({
    status: 'failed',
    error: { code: 'contract_violation', message: 'payment-process has no upgrade from payload version 1' },
  });
  expect(await runtime.db.prisma.deadLetter.findUnique({ where: { jobId: old.id } })).toMatchObject({
    reason: 'contract',
    payloadVersion: 1,
  });
  rollBack();
});

it('leaves a job of a newer contract to newer workers, without using an attempt', async () => {
  const rollBack = deploy(2, { 1: described });
  const job = await post(pay('newer', { options: { delayMs: 500 } }));
  rollBack();
  const row = () => runtime.db.prisma.criticalJob.findUniqueOrThrow({ where: { id: job.id } });
  await expect.poll(async () => (await row()).error).toMatchObject({ code: 'payload_too_new' });
  expect(await row()).toMatchObject({ status: 'pending', attempts: 0 });
  expect(descriptions.has('newer')).toBe(false);
  await runtime.cancelJob(job.id, null);
});

it('aborts a handler at its time-out', async () => {
  scripts.set(
    'slow',
    (ctx) => new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))),
  );
  const job = await post(pay('slow', { options: { timeoutMs: 100, attempts: 1 } }));
  expect(await ended(job.id)).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
});

it.each([
  ['a ledger', pay('deaf@example.com')],
  ['Redis', { type: 'send-email' as const, tenantId: 't1', data: { to: 'deaf@example.com', subject: 's', text: 't' } }],
])(
  'gives up, after a grace, a handler in %s that ignores its signal, and fences what it does later',
  async (_, job) => {
    const wake = Promise.withResolvers<void>();
    const late = Promise.withResolvers<unknown>();
    let sent = 0;
    scripts.set('deaf@example.com', async (ctx) => {
      await wake.promise;
      const send = async () => {
        sent += 1;
        return { providerId: 'p', response: {} };
      };
      const effect = ctx.effect('late', { provider: 'stripe', operation: 'late', request: {}, send });
      late.resolve(await effect.catch((error: unknown) => error));
    });
    const { id } = await post({ ...job, options: { timeoutMs: 100, attempts: 1 } });
    const dead = { status: 'failed', attempts: 1, error: { code: 'timeout' } };
    expect(await ended(id)).toMatchObject(dead);
    wake.resolve();
    expect(await late.promise).toMatchObject({ name: 'AbortError', kind: 'timeout' });
    expect(sent).toBe(0);
    expect(await ended(id)).toMatchObject(dead);
    expect(await runtime.db.prisma.deadLetter.findMany({ where: { jobId: id } })).toMatchObject([
      { reason: 'timeout' },
    ]);
  },
);

it('polls without using attempts', async () => {
  let polls = 0;
  scripts.set('poll', async () => {
    polls += 1;
    return polls < 4 ? snooze(20, 'not yet') : undefined;
  });
  const job = await post(pay('poll', { options: { attempts: 1 } }));
  expect(await ended(job.id)).toMatchObject({ status: 'completed', attempts: 1 });
  expect(polls).toBe(4);
});

it('finds out before it repeats an effect whose outcome it does not know', async () => {
  const seen: string[] = [];
  const keys: string[] = [];
  scripts.set('unknown', (ctx) =>
    ctx
      .effect('charge', {
        provider: 'stripe',
        operation: 'test',
        request: { a: 1 },
        send: async (_request, call) => {
          seen.push('send');
          keys.push(call.idempotencyKey);
          throw new UnknownOutcomeError({ code: 'provider_timeout', message: 'no answer' });
        },
        find: async () => {
          seen.push('find');
          return { state: 'done', providerId: 'pi_1', response: { id: 'pi_1' } };
        },
      })
      .then(() => undefined),
  );
  const job = await post(pay('unknown'));
  expect(await ended(job.id)).toMatchObject({ status: 'completed', attempts: 2 });
  expect(seen).toEqual(['send', 'find']);
  const effects = await runtime.db.prisma.effect.findMany({ where: { jobId: job.id } });
  expect(effects).toMatchObject([{ status: 'confirmed', providerId: 'pi_1', sends: 1, id: keys[0] }]);
});

it('keeps personal data sealed in PostgreSQL and Redis, and opens it for the handler', async () => {
  let got: unknown;
  scripts.set('ada@sealed.example', async () => {
    got = 'opened';
  });
  const job = await post({
    type: 'send-email',
    tenantId: 't1',
    data: { to: 'ada@sealed.example', subject: 's', text: 't' },
  });
  await ended(job.id);
  expect(got).toBe('opened');
  const row = await vi.waitFor(() => runtime.db.prisma.job.findUniqueOrThrow({ where: { id: job.id } }));
  expect(JSON.stringify(row.payload)).not.toContain('ada@');
  const raw = await runtime.connections
    .of('communication')
    .redis.hgetall(`${config.QUEUE_PREFIX}:communication:${job.id}`);
  expect(JSON.stringify(raw)).not.toContain('ada@');
});

async function startFlow(input: CreateFlow) {
  const planned = planFlow(input);
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
  const answer = await runtime.flows.create({
    ...{ plan: planned.plan, tenantId: 't1', idempotencyKey: null, requestHash: '00', webhookUrl: null },
    ...{ requestId: null, traceId: null, traceparent: null },
  });
  if (answer.outcome !== 'created') throw new Error(answer.outcome);
  await runtime.ends.followUp(answer.due);
  return answer.flow.id;
}
const flowEnds = (id: string, status: string) =>
  vi.waitFor(async () => expect(await runtime.flows.find(id, 't1')).toMatchObject({ status }), { timeout: 20_000 });

it('runs a flow across tiers, each step with what the earlier ones made', async () => {
  const subject = { $ref: 'steps.pay.result.paymentIntentId' };
  const id = await startFlow({
    steps: [
      { name: 'pay', type: 'payment-process', data: pay('flow').data },
      { name: 'mail', type: 'send-email', data: { to: 'ada@flow.example', subject, text: 'x' } },
    ],
  });
  await flowEnds(id, 'completed');
  expect(await runtime.flows.find(id, 't2')).toBeNull();
});

it('refunds the payment once when the ticket of a purchase cannot be minted, and sends no mail', async () => {
  const id = await startFlow({
    template: 'ticket-purchase',
    input: {
      payment: pay('purchase').data,
      ticket: contractOf('nft-mint').example.payload,
      buyer: { email: 'ada@flow.example' },
    },
  });
  await flowEnds(id, 'compensated');
  expect(refunds).toEqual([paid.paymentIntentId]);
  const flow = await runtime.flows.find(id, 't1');
  expect(flow?.error).toMatchObject({ code: 'owner_wallet_invalid' });
  expect(flow?.steps.map(({ name, status, compensation }) => [name, status, compensation?.status])).toEqual([
    ['payment', 'completed', 'completed'],
    ['mint', 'failed', undefined],
    ['confirmation', 'skipped', undefined],
  ]);
});

it('does not cancel over an end that is owed to PostgreSQL, and records it once it can', async () => {
  const unreachable = new Secret('postgres://nobody@127.0.0.1:1/nothing');
  const cut = openRuntime({ config: { ...config, DATABASE_URL: unreachable }, applicationName: 'test', log });
  const refuse = async () => {
    throw new PermanentError({ code: 'event_refused', message: 'No such event' });
  };
  const handlers = { 'analytics-track': refuse } as never;
  const serve = (by: Runtime) =>
    startFleetWorker({
      ...{ runtime: by, queue: 'background' as const, config, log, handlers },
      metrics: createMetrics({ service: 'test' }),
    });
  const cutOff = serve(cut);
  const { id } = await post({ type: 'analytics-track', tenantId: 't1', data: { userId: 'u', event: 'e' } });
  const { queue } = runtime.connections.of('background');
  await vi.waitFor(async () => expect(await queue.getJobState(id)).toBe('delayed'), { timeout: 20_000 });
  await cutOff.close(1_000);
  await cut.close();

  const end = { status: 'failed', attempts: 1, error: { code: 'event_refused' } };
  expect(await runtime.cancelJob(id, null)).toMatchObject({ outcome: 'ended', job: end });
  expect(await runtime.reader.find(id, null)).toMatchObject(end);
  expect(await runtime.db.prisma.deadLetter.count({ where: { jobId: id } })).toBe(0);

  workers.push(serve(runtime));
  await (await queue.getJob(id))?.promote();
  const letter = await vi.waitFor(() => runtime.db.prisma.deadLetter.findUniqueOrThrow({ where: { jobId: id } }));
  expect(letter).toMatchObject({ attempts: 1, reason: 'permanent' });
  expect(letter.attemptLog).toHaveLength(1);
});

it('keeps each priority to its place', async () => {
  await runtime.connections.of('background').queue.pause();
  for (const priority of [1, 10, 5])
    await post({ type: 'analytics-track', tenantId: 't1', data: { userId: 'u', event: 'e' }, options: { priority } });
  const waiting = await runtime.connections.of('background').queue.getPrioritized();
  expect(waiting.map((job) => job.data.priority)).toEqual([10, 5, 1]);
});
