import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { ago, openCleanupBench } from '../testing/cleanup-bench.ts';
import { type SeededJob, seedLedger } from '../testing/seed-ledger.ts';

const { runtime, clean, left, empty, seedLetter, close } = await openCleanupBench();
beforeEach(() => empty());
afterAll(close);

/** A money job in any state that a crash, an operator or time may leave it in. */
const moneyJob = fc.record({
  status: fc.constantFrom(
    'pending' as const,
    'processing' as const,
    'completed' as const,
    'failed' as const,
    'cancelled' as const,
  ),
  createdDaysAgo: fc.integer({ min: 0, max: 800 }),
  ranForDays: fc.integer({ min: 0, max: 100 }),
  key: fc.constantFrom('none' as const, 'live' as const, 'expired' as const),
  effect: fc.constantFrom(
    'none' as const,
    'intended' as const,
    'unknown' as const,
    'confirmed' as const,
    'rejected' as const,
  ),
  letter: fc.constantFrom('none' as const, 'open' as const, 'discarded' as const),
  flow: fc.constantFrom('none' as const, 'running' as const, 'over' as const),
  own: fc.boolean(),
});
type MoneyJob = typeof moneyJob extends fc.Arbitrary<infer T> ? T : never;

function mayGo(job: MoneyJob, olderThanDays: number): boolean {
  return (
    ['completed', 'failed', 'cancelled'].includes(job.status) &&
    Math.max(job.createdDaysAgo - job.ranForDays, 0) >= olderThanDays &&
    job.key !== 'live' &&
    !['intended', 'unknown'].includes(job.effect) &&
    job.letter !== 'open' &&
    job.flow !== 'running'
  );
}

async function seed(job: MoneyJob): Promise<string> {
  const { prisma } = runtime.db;
  const ended = !['pending', 'processing'].includes(job.status);
  const flowId = job.flow === 'none' ? null : randomUUID();
  const tenantId = job.own ? 'venue-1' : 'venue-2';
  if (flowId !== null) {
    await prisma.flow.create({
      data: {
        id: flowId,
        name: 'f',
        tenantId,
        requestHash: Buffer.alloc(32),
        finishedAt: job.flow === 'over' ? ago(1) : null,
      },
    });
  }
  const row: SeededJob = {
    status: job.status,
    tenantId,
    createdAt: ago(job.createdDaysAgo + 0.5),
    finishedAt: ended ? ago(Math.max(job.createdDaysAgo - job.ranForDays, 0) + 0.5) : null,
    flowId,
    idempotencyKey: job.key === 'none' ? null : randomUUID(),
    idempotencyExpiresAt: job.key === 'none' ? null : job.key === 'live' ? ago(-1) : ago(1),
    effects: job.effect === 'none' ? [] : [{ status: job.effect, amount: 1, currency: 'eur' }],
  };
  const [id = ''] = await seedLedger(runtime, [row]);
  if (job.letter !== 'none') await seedLetter({ jobId: id, status: job.letter, createdAt: ago(job.createdDaysAgo) });
  return id;
}

it('never removes a money job of which something may still come, nor an effect without its job', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(moneyJob, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 90, max: 500 }),
      fc.boolean(),
      async (jobs, days, platform) => {
        await empty();
        const ids: string[] = [];
        for (const job of jobs) ids.push(await seed(job));
        const goes = jobs.map((job) => mayGo(job, days) && (platform || job.own));
        const tenantId = platform ? 'platform' : 'venue-1';
        const gone = goes.filter(Boolean).length;

        const dry = await clean('critical_jobs', days, { dryRun: true, tenantId });
        expect(dry).toEqual({ target: 'critical_jobs', matched: gone, removed: 0, dryRun: true });
        expect(await left('critical_jobs')).toBe(jobs.length);
        expect(await clean('critical_jobs', days, { tenantId })).toEqual({ ...dry, removed: gone, dryRun: false });

        const rows = await runtime.db.prisma.criticalJob.findMany({ select: { id: true } });
        expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(ids.filter((_, index) => !goes[index])));
        const effects = jobs.filter((job, index) => job.effect !== 'none' && !goes[index]).length;
        expect(await left('effects')).toBe(effects);
      },
    ),
    { numRuns: 40 },
  );
}, 120_000);

it('refuses a retention within which keys of money jobs count', async () => {
  await expect(clean('critical_jobs', 89)).rejects.toMatchObject({
    name: 'PermanentError',
    code: 'retention_too_short',
  });
});

it('leaves a row that somebody holds, without waiting for it', async () => {
  const old = { createdAt: ago(200), finishedAt: ago(199) };
  const [held = ''] = await seedLedger(runtime, [old, old, old, old, old]);
  await runtime.db.transaction(async (sql) => {
    await sql.query('hold', 'SELECT 1 FROM critical_jobs WHERE id = $1 FOR UPDATE', [held]);
    expect(await clean('critical_jobs', 100)).toMatchObject({ removed: 4 });
  });
  expect(await clean('critical_jobs', 100)).toMatchObject({ removed: 1 });
});

it('stops between two batches when it is aborted, and goes on where it stopped', async () => {
  await seedLedger(
    runtime,
    Array.from({ length: 10 }, () => ({ createdAt: ago(200), finishedAt: ago(199) })),
  );
  const abort = new AbortController();
  const stopped = clean('critical_jobs', 100, {
    signal: abort.signal,
    progress: () => abort.abort(new Error('shut down')),
  });
  await expect(stopped).rejects.toThrow('shut down');
  expect(await left('critical_jobs')).toBe(7);
  expect(await clean('critical_jobs', 100)).toMatchObject({ removed: 7 });
});
