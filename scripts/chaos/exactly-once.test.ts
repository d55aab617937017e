import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createLogger, Secret } from '../../packages/observability/src/index.ts';
import { applyMigrations, putTenantAccount } from '../../packages/persistence/src/index.ts';
import { type NewJob, openRuntime, type Runtime } from '../../packages/queue/src/index.ts';
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
  providers = await startDemoProviders({ secrets, slotMs: 100 });
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
  providers.sandbox.stripe.createAccount({ id: account });
  providers.sandbox.stripe.setOpeningBalance('eur', 100_000_000);
  for (let index = 0; index < 7; index += 1) {
    await putTenantAccount(runtime.db, {
      tenantId: `tenant-${index}`,
      accountId: account,
      note: null,
      createdBy: 'chaos',
    });
  }
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

type Kind = 'payment' | 'declined' | 'refund' | 'transfer' | 'mint';
interface Accepted {
  id: string;
  kind: Kind;
  tenantId: string;
}

const account = 'acct_1Venue';
const perWave = jobs / waves;
/** Of each 25: one is declined, four give a payment of the wave before back, four go on to a venue, two are tickets. */
const kindOf = (index: number): Kind => {
  const place = index % 25;
  if (place === 0) return 'declined';
  if (place <= 14) return 'payment';
  if (place <= 18) return 'refund';
  return place <= 22 ? 'transfer' : 'mint';
};

function jobOf(index: number, kind: Kind, payment: Accepted | undefined): NewJob {
  const tenantId = payment?.tenantId ?? `tenant-${index % 7}`;
  const amount = 1_000 + index;
  const paymentMethodId = kind === 'declined' ? 'pm_card_chargeDeclined' : 'pm_card_visa';
  switch (kind) {
    case 'refund':
      return { type: 'refund-process', tenantId, data: { paymentJobId: payment?.id } };
    case 'transfer': {
      const data = { destinationAccountId: account, amount, currency: 'eur', mode: 'transfer' };
      return { type: 'payout-process', tenantId, data };
    }
    case 'mint': {
      const metadata = { name: `Seat ${index}`, symbol: 'SEAT', uri: `https://tickets.example/${index}.json` };
      const ownerWallet = '7cVfgArCheMR6Cs4t6vz5rfnqd56vZq4ndaBrY5xkxXy';
      return { type: 'nft-mint', tenantId, data: { ticketId: `t-${index}`, eventId: 'event', ownerWallet, metadata } };
    }
    default: {
      const data = { orderId: `order-${index}`, amount, currency: 'eur', paymentMethodId };
      return { type: 'payment-process', tenantId, data };
    }
  }
}

/** @param before what the wave before accepted: payments that can be refunded */
async function acceptWave(first: number, before: readonly Accepted[]): Promise<Accepted[]> {
  const payments = before.filter(({ kind }) => kind === 'payment');
  const wave = Array.from({ length: perWave }, (_, offset) => {
    const index = first + offset;
    const wished = kindOf(index);
    const payment = wished === 'refund' ? payments.shift() : undefined;
    const kind = wished === 'refund' && payment === undefined ? 'payment' : wished;
    return { kind, job: jobOf(index, kind, payment) };
  });
  const answers = await runtime.producer.accept(wave.map(({ job }) => job));
  return answers.map((answer, index) => {
    if (answer.outcome !== 'created') throw new Error(`not created: ${answer.outcome}`);
    return { id: answer.job.id, kind: wave[index]?.kind as Kind, tenantId: answer.job.tenantId };
  });
}

/** What the providers have of each job: ids with amounts, the ones that moved nothing left out. */
function madeByJob(): Map<string, string[]> {
  const made = new Map<string, string[]>();
  for (const kind of ['payment_intent', 'refund', 'transfer'] as const) {
    for (const object of providers.sandbox.stripe.all(kind) as unknown as Moved[]) {
      if (kind !== 'transfer' && object.status !== 'succeeded') continue;
      const job = object.metadata['queue_job_id'] ?? 'nobody';
      made.set(job, [...(made.get(job) ?? []), `${object.id} ${object.amount}`]);
    }
  }
  return made;
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

it(`gives ${jobs} payments, refunds, transfers and mints one effect each, whatever is killed, cut, frozen or flushed`, {
  timeout: 360_000,
}, async () => {
  providers.sandbox.stripe.faults.random({
    seed,
    match: { path: /^\/v1\/(payment_intents|refunds|transfers)$/, method: 'POST' },
    rates: {
      'reset-after-work': 0.05,
      'hang-after-work': 0.03,
      reset: 0.03,
      'error-after-work': { rate: 0.03, status: 500 },
      status: { rate: 0.04, status: 429 },
    },
  });
  const accepted: Accepted[] = [];
  let wave: Accepted[] = [];
  const misfortunes = torment(tormentMs);
  for (let number = 0; number < waves; number += 1) {
    wave = await acceptWave(number * perWave, wave);
    accepted.push(...wave);
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

  const rows = await runtime.db.query<{ id: string; status: string; result: Result | null; error: unknown }>(
    '',
    'SELECT id, status, result, error FROM critical_jobs',
  );
  const kinds = new Map(accepted.map(({ id, kind }) => [id, kind]));
  const made = madeByJob();
  const tickets = providers.solana.effects.list({ kind: 'mint' }).map(({ id }) => id);
  const wrong = rows.filter(({ id, status, result }) => {
    const has = made.get(id) ?? [];
    const kind = kinds.get(id);
    if (kind === 'declined') return status !== 'failed' || has.length !== 0;
    if (status !== 'completed' || result === null) return true;
    if (kind === 'mint') return has.length !== 0 || tickets.filter((one) => one === result.mintAddress).length !== 1;
    const told = result.refundId ?? result.paymentIntentId ?? result.id;
    return has.length !== 1 || has[0] !== `${told} ${result.amount}`;
  });
  expect(rows).toHaveLength(jobs);
  expect(
    wrong.map((row) => ({ ...row, kind: kinds.get(row.id), made: made.get(row.id) })),
    `seed ${seed}: ${told.join(', ')}`,
  ).toEqual([]);
  expect(new Set(rows.map((row) => row.id))).toEqual(new Set(accepted.map(({ id }) => id)));
  // Nothing at the providers that no job asked for.
  expect([...made.keys()].filter((id) => !kinds.has(id))).toEqual([]);
  expect(tickets).toHaveLength(accepted.filter(({ kind }) => kind === 'mint').length);
  // The faults did strike: workers died with jobs in hand, and effects had to be looked for.
  const [struck] = await runtime.db.query<{ retried: number; repeated: number }>(
    '',
    `SELECT (SELECT count(*)::int FROM critical_jobs WHERE fencing > 1) AS retried,
       (SELECT count(*)::int FROM effects WHERE sends > 1) AS repeated`,
  );
  expect(struck?.retried).toBeGreaterThan(jobs / 50);
  expect(struck?.repeated).toBeGreaterThan(0);
});

interface Moved {
  id: string;
  status?: string;
  amount: number;
  metadata: Record<string, string>;
}

interface Result {
  paymentIntentId?: string;
  refundId?: string;
  id?: string;
  mintAddress?: string;
  amount?: number;
}
