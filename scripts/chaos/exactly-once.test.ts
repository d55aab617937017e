import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createLogger, Secret } from '../../packages/observability/src/index.ts';
import { applyMigrations } from '../../packages/persistence/src/index.ts';
import { openRuntime, type Runtime } from '../../packages/queue/src/index.ts';
import { type DemoProviders, demoSecrets, startDemoProviders } from '../../packages/sandbox/src/demo/index.ts';
import { startOwnPostgres, startOwnRedis } from '../../packages/sandbox/src/testing/index.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { createRandom } from './random.ts';
import { createVictim, type Victim } from './victim.ts';

/** Printed on failure; the same seed draws the same faults. */
const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
const jobs = Number(process.env['CHAOS_JOBS'] ?? 1_000);
const random = createRandom(seed);
const tormentMs = 40_000;
const waves = 40;

let postgres: Awaited<ReturnType<typeof startOwnPostgres>>;
let redis: Awaited<ReturnType<typeof startOwnRedis>>;
let providers: DemoProviders;
let runtime: Runtime;
const workers: { victim: Victim; proxy: FaultProxy }[] = [];
const others: Victim[] = [];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queue-service-chaos-'));
  [postgres, redis] = await Promise.all([startOwnPostgres(), startOwnRedis()]);
  await applyMigrations({ databaseUrl: postgres.url });
  const secrets = await demoSecrets(join(folder, 'secrets.json'));
  providers = await startDemoProviders({ secrets });
  const env = {
    ...providers.env,
    REDIS_URL: redis.url,
    PAYLOAD_ENCRYPTION_KEYS: secrets.encryptionKey,
    LOG_LEVEL: 'warn',
    SEED_DEFAULT_SCHEDULES: 'false',
    WORKER_CONCURRENCY: '25',
    STRIPE_TIMEOUT_MS: '1000',
    // The sandbox bears more than Stripe's test mode, whose 25 a second would be the default.
    STRIPE_REQUESTS_PER_SECOND: '400',
    SOLANA_REQUESTS_PER_SECOND: '400',
    OPS_PORT: '0',
  };
  const { hostname, port } = new URL(postgres.url);
  for (let index = 0; index < 2; index += 1) {
    const proxy = await startFaultProxy({ host: hostname, port: Number(port) });
    const url = new URL(postgres.url);
    url.port = String(proxy.port);
    workers.push({ victim: createVictim('worker-money', { ...env, DATABASE_URL: url.href }), proxy });
  }
  others.push(createVictim('scheduler', { ...env, DATABASE_URL: postgres.url }));
  for (const { victim } of workers) victim.start();
  for (const victim of others) victim.start();
  runtime = openRuntime({
    applicationName: 'chaos',
    log: createLogger({ service: 'chaos', level: 'silent' }),
    config: {
      DATABASE_URL: new Secret(postgres.url),
      DATABASE_POOL_SIZE: 5,
      PAYLOAD_ENCRYPTION_KEYS: [],
      REDIS_URL: new Secret(redis.url),
      QUEUE_PREFIX: 'queue-service',
    },
  });
  await vi.waitFor(() => expect(runtime.connections.of('money').redis.status).toBe('ready'), 10_000);
}, 120_000);

afterAll(async () => {
  for (const { victim } of workers) victim.kill();
  for (const victim of others) victim.kill();
  await runtime.close();
  await providers.stop();
  await Promise.all(workers.map(({ proxy }) => proxy.close()));
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** One misfortune. Which, and how bad, the seed decides. */
const faults: Record<string, () => Promise<void>> = {
  'kill -9': async () => random.pick(workers).victim.kill(),
  'kill at a statement': async () => {
    const { victim, proxy } = random.pick(workers);
    proxy.set({
      atMessage: 1 + random.below(60),
      when: random.pick(['before', 'after'] as const),
      spring: () => victim.kill(),
    });
  },
  'cut in mid-statement': async () => {
    const { proxy } = random.pick(workers);
    proxy.set({
      atMessage: 1 + random.below(60),
      when: random.pick(['before', 'after'] as const),
      spring: () => proxy.cut(),
    });
  },
  'freeze past the lease': async () => {
    const { victim } = random.pick(workers);
    victim.freeze();
    setTimeout(() => victim.thaw(), 12_000).unref();
  },
  FLUSHALL: async () => {
    await runtime.connections.of('money').redis.flushall();
  },
  'scheduler dies': async () => random.pick(others).kill(),
};

/** Accepts jobs, some of them with a card that is declined. */
async function acceptWave(first: number, count: number): Promise<{ id: string; declines: boolean }[]> {
  const answers = await runtime.producer.accept(
    Array.from({ length: count }, (_, index) => ({
      type: 'payment-process' as const,
      tenantId: `tenant-${index % 7}`,
      data: {
        orderId: `order-${first + index}`,
        amount: 1_000 + first + index,
        currency: 'eur',
        paymentMethodId: index % 25 === 0 ? 'pm_card_chargeDeclined' : 'pm_card_visa',
      },
    })),
  );
  return answers.map((answer, index) => {
    if (answer.outcome !== 'created') throw new Error(`not created: ${answer.outcome}`);
    return { id: answer.job.id, declines: index % 25 === 0 };
  });
}

async function torment(forMs: number): Promise<string[]> {
  const told: string[] = [];
  for (const until = performance.now() + forMs; performance.now() < until; ) {
    const name = random.pick(Object.keys(faults));
    told.push(name);
    await faults[name]?.();
    await sleep(500 + random.below(1_500));
    for (const { victim } of workers) victim.start();
    for (const victim of others) victim.start();
  }
  return told;
}

it(`gives ${jobs} payments one charge each, whatever is killed, cut, frozen or flushed`, {
  timeout: 360_000,
}, async () => {
  providers.sandbox.stripe.faults.random({
    seed,
    match: { path: '/v1/payment_intents', method: 'POST' },
    rates: {
      'reset-after-work': 0.05,
      'hang-after-work': 0.03,
      reset: 0.03,
      'error-after-work': { rate: 0.03, status: 500 },
      status: { rate: 0.04, status: 429 },
    },
  });
  const declined = new Set<string>();
  const ids: string[] = [];
  const misfortunes = torment(tormentMs);
  for (let wave = 0; wave < waves; wave += 1) {
    for (const { id, declines } of await acceptWave(wave * (jobs / waves), jobs / waves)) {
      ids.push(id);
      if (declines) declined.add(id);
    }
    await sleep(tormentMs / waves);
  }
  const told = await misfortunes;
  providers.sandbox.stripe.faults.random(undefined);
  for (const { victim, proxy } of workers) {
    proxy.set(null);
    victim.thaw();
    victim.start();
  }
  await postgres.restart();
  for (const victim of others) victim.start();

  const unfinished = () =>
    runtime.db.query<{ id: string; status: string }>(
      '',
      `SELECT id, status, attempts, error FROM critical_jobs WHERE finished_at IS NULL`,
    );
  await vi.waitFor(async () => expect(await unfinished(), `seed ${seed}: ${told.join(', ')}`).toEqual([]), {
    timeout: 240_000,
    interval: 500,
  });

  const rows = await runtime.db.query<{
    id: string;
    status: string;
    result: { paymentIntentId: string; amount: number } | null;
    error: unknown;
  }>('', 'SELECT id, status, result, error FROM critical_jobs');
  const charges = new Map<string, { id: string; amount: number }[]>();
  for (const intent of providers.sandbox.stripe.all('payment_intent') as unknown as Intent[]) {
    if (intent.status !== 'succeeded') continue;
    const job = intent.metadata['queue_job_id'] ?? '';
    charges.set(job, [...(charges.get(job) ?? []), { id: intent.id, amount: intent.amount }]);
  }
  const wrong = rows.filter(({ id, status, result }) => {
    const made = charges.get(id) ?? [];
    if (declined.has(id)) return status !== 'failed' || made.length !== 0;
    return (
      status !== 'completed' ||
      made.length !== 1 ||
      made[0]?.id !== result?.paymentIntentId ||
      made[0]?.amount !== result?.amount
    );
  });
  expect(rows).toHaveLength(jobs);
  expect(
    wrong.map((row) => ({ ...row, charges: charges.get(row.id) })),
    `seed ${seed}: ${told.join(', ')}`,
  ).toEqual([]);
  expect(new Set(rows.map((row) => row.id))).toEqual(new Set(ids));
  // The faults did strike: workers died with jobs in hand, and effects had to be looked for.
  const [struck] = await runtime.db.query<{ retried: number; repeated: number }>(
    '',
    `SELECT (SELECT count(*)::int FROM critical_jobs WHERE fencing > 1) AS retried,
       (SELECT count(*)::int FROM effects WHERE sends > 1) AS repeated`,
  );
  expect(struck?.retried).toBeGreaterThan(jobs / 50);
  expect(struck?.repeated).toBeGreaterThan(0);
});

interface Intent {
  id: string;
  status: string;
  amount: number;
  metadata: Record<string, string>;
}
