import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sign } from '../../apps/api/src/testing/tokens.ts';
import { applyMigrations } from '../../packages/persistence/src/index.ts';
import { startPostgres, startRedis } from '../../packages/sandbox/src/servers/index.ts';
import { type Comparison, chartOf, compare, holds, tableOf } from './compare.ts';
import { measure, type Settings, serve } from './contestant.ts';
import { payloads } from './ours.ts';

const help = `pnpm bench [options]

Measures the service beside its peers, in one run on this machine: medians of interleaved rounds, and ratios. Ends with 1
when a bar is missed.

  --rounds <n>   rounds of each comparison (default 3)
  --only <text>  only comparisons whose name has this in it
  --quick        small loads: shows that it works, measures little
  --out <folder> where bench.json, bench.svg and bench.md go (default .cache/bench)
`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    out: { type: 'string', default: '.cache/bench' },
    help: { type: 'boolean', default: false },
  },
});
const log = (line: string) => console.log(line);

async function main(): Promise<void> {
  const rounds = Number(values.rounds);
  const size = (full: number) => (values.quick ? Math.ceil(full / 20) : full);
  const folder = await mkdtemp(join(tmpdir(), 'queue-service-bench-'));
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres') });
  const redis = await startRedis({ dataDir: join(folder, 'redis') });
  try {
    await applyMigrations({ databaseUrl: postgres.url });
    const stores: Settings = { databaseUrl: postgres.url, redisUrl: redis.url };
    const comparisons: Comparison[] = [];
    const add = async (options: Parameters<typeof compare>[0]) => {
      if (options.name.includes(values.only)) comparisons.push(await compare({ ...options, log }));
    };

    for (const [kind, bar] of [
      ['communication', 0.85],
      ['money', 0.7],
    ] as const) {
      const accept = (mode: string) => () => acceptPerSecond(stores, mode, { queue: kind, ...payloads[kind] }, size(8));
      await add({
        name: `accept over HTTP, ${kind}`,
        ...{ unit: 'jobs/s', rounds, ours: 'ours', against: ['nothing'], bar },
        contestants: { ours: accept('ours'), nothing: accept('nothing'), bare: accept('bare') },
        note: '64 connections, one job a request; against the same app that enqueues nothing',
      });
    }
    for (const concurrency of [1, 10, 100]) {
      const jobs = size(concurrency === 1 ? 6_000 : 20_000);
      const work = (name: string) => async () => perSecond(await measure(name, { ...stores, jobs, concurrency }));
      await add({
        name: `run no-ops, concurrency ${concurrency}`,
        ...{ unit: 'jobs/s', rounds, ours: 'ours', against: ['bare'], bar: 0.9 },
        contestants: { ours: work('run-ours'), bare: work('run-bare') },
        note: 'a fleet worker with everything on against a bare BullMQ worker',
      });
    }
    const money = (name: string) => async () =>
      perSecond(await measure(name, { ...stores, jobs: size(4_000), concurrency: 50 }));
    await add({
      name: 'money end to end',
      ...{ unit: 'jobs/s', rounds, ours: 'ours', against: ['graphile-worker', 'pg-boss'], bar: 1 },
      contestants: {
        ours: money('money-ours'),
        'graphile-worker': money('money-graphile'),
        'pg-boss': money('money-pgboss'),
      },
      note: 'accept, claim, effect on a fake in the process, end; the others do the same durable writes',
    });

    const conditions = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}, ${rounds} rounds, ${new Date().toISOString().slice(0, 10)}`;
    await mkdir(values.out, { recursive: true });
    await writeFile(join(values.out, 'bench.json'), JSON.stringify({ conditions, comparisons }, null, 2));
    await writeFile(join(values.out, 'bench.svg'), chartOf(comparisons));
    await writeFile(join(values.out, 'bench.md'), `${conditions}\n\n${tableOf(comparisons)}\n`);
    log(`\n${conditions}\n\n${tableOf(comparisons)}`);
    if (!comparisons.every(holds)) process.exitCode = 1;
  } finally {
    await redis.stop();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const perSecond = ({ count, seconds }: { count: number; seconds: number }) => count / seconds;

/** Load made by a process of its own; the first second warms up. */
async function acceptPerSecond(stores: Settings, mode: string, body: unknown, seconds: number): Promise<number> {
  const app = await serve('accept', { ...stores, mode });
  try {
    const token = await sign({ sub: 'bench', roles: ['service'], tenantId: 'tenant-1' });
    const load = { url: `${app.url}/api/v1/queue/jobs`, body: JSON.stringify(body), token };
    await measure('load', { ...load, seconds: 1 });
    return perSecond(await measure('load', { ...load, seconds: Math.max(1, seconds) }));
  } finally {
    await app.stop();
  }
}

if (values.help) console.log(help);
else await main();
