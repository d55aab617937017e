import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, Contest } from './bench.ts';
import { holds, type Line, mediansOf } from './compare.ts';
import { accept, batch } from './contests/accept.ts';
import { capacity, partitions } from './contests/capacity.ts';
import { growth } from './contests/growth.ts';
import { latency } from './contests/latency.ts';
import { money } from './contests/money.ts';
import { recovery } from './contests/recovery.ts';
import { run } from './contests/run.ts';
import { startUp } from './contests/start-up.ts';
import { startStores } from './stores.ts';
import { chartOf, tableOf } from './table.ts';

const contests: readonly Contest[] = [
  ...[accept, batch, run, money, latency, recovery, startUp, growth, capacity, partitions],
];

const help = `pnpm bench [options]

Measures the service beside its peers, in one run on this machine: medians of interleaved rounds, and ratios. Ends with 1
when a bar is missed.

  --only <a,b>       contests: ${contests.map(({ name }) => name).join(', ')}
  --rounds <n>       rounds of each comparison (default 3)
  --quick            small loads: shows that it works, measures little
  --full             also with a million waiting jobs, and BullMQ's own recovery beside ours
  --profile <folder> CPU profiles of all contestants
  --out <folder>     where bench.json, bench.svg and bench.md go (default .cache/bench)
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    profile: { type: 'string' },
    out: { type: 'string', default: join(import.meta.dirname, '../../.cache/bench') },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const only = values.only?.split(',');
  const chosen = contests.filter(({ name }) => only?.includes(name) ?? true);
  if (chosen.length === 0) throw new Error(`No contest is named ${values.only}`);
  const stores = await startStores();
  const lines: Line[] = [];
  const profile = values.profile === undefined ? {} : { profile: values.profile };
  const bench: Bench = {
    ...{ stores, rounds: Number(values.rounds), quick: values.quick, full: values.full },
    size: (usual) => (values.quick ? Math.ceil(usual / 20) : usual),
    settings: async () => ({ ...(await stores.fresh()), ...profile }),
    log: (line) => console.log(line),
  };
  try {
    const conditions = {
      ...{ date: new Date().toISOString(), cores: cpus().length, cpu: cpus()[0]?.model ?? 'unknown' },
      ...{ memoryGiB: Math.round(totalmem() / 2 ** 30), kernel: release(), node: process.version },
      ...{ servers: await stores.durability(), rounds: bench.rounds, loadBefore: loadavg()[0] },
    };
    console.log(
      Object.entries(conditions)
        .map(([name, value]) => `${name}: ${value}`)
        .join('\n'),
    );
    for (const contest of chosen) {
      console.log(`\n${contest.name}`);
      lines.push(
        ...(await contest.run({ ...bench, rounds: Math.min(bench.rounds, contest.mostRounds ?? bench.rounds) })),
      );
      await write({ ...conditions, loadAfter: loadavg()[0] }, lines);
    }
  } finally {
    await stores.stop();
  }
  console.log(`\n${tableOf(lines)}`);
  if (!lines.every(holds)) process.exitCode = 1;
}

/** After each contest: a run that is stopped keeps what it has. */
async function write(conditions: object, lines: readonly Line[]): Promise<void> {
  const told = Object.entries(conditions).map(([name, value]) => `- ${name}: ${value}`);
  const all = lines.map((line) => ({ ...line, medians: mediansOf(line), holds: holds(line) }));
  await mkdir(values.out, { recursive: true });
  await writeFile(join(values.out, 'bench.json'), `${JSON.stringify({ conditions, lines: all }, null, 2)}\n`);
  await writeFile(join(values.out, 'bench.svg'), chartOf(lines));
  await writeFile(join(values.out, 'bench.md'), `${told.join('\n')}\n\n${tableOf(lines)}\n`);
}

if (values.help) console.log(help);
else await main();
