import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { plantedRuns, runPlanted } from './planted.ts';
import { type ChaosReport, runChaos } from './run.ts';
import { timelineHtml } from './timeline.ts';

const help = `pnpm chaos [options]

Runs the whole service on loopback under faults drawn by a seed, and checks what it promised. Ends with 1 when a
promise was broken.

  --seed <n>       first seed (default: random)
  --runs <n>       how many seeds in a row (default 1)
  --requests <n>   load of one run (default 600)
  --seconds <n>    how long load and faults go on (default 45)
  --outage <s>     how long a server is away when it is (default 8)
  --long           14,000 requests (over 10,000 money jobs) over 420 s, servers away for 30 s
  --planted        three builds that each lack a safeguard (no reconciliation, no fencing, no relay): ends with 1
                   unless the checker finds each of them out
  --out <folder>   where the timelines go (default .cache/chaos)
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    runs: { type: 'string', default: '1' },
    requests: { type: 'string' },
    seconds: { type: 'string' },
    outage: { type: 'string' },
    long: { type: 'boolean', default: false },
    planted: { type: 'boolean', default: false },
    out: { type: 'string', default: '.cache/chaos' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(help);
} else if (values.planted) {
  for (const name of Object.keys(plantedRuns)) {
    const { report, found } = await runPlanted(name, Number(values.seed ?? 7));
    console.log(`${name}: ${found ? 'found out' : 'NOT FOUND'}`);
    for (const violation of report.violations.slice(0, 5)) console.log(`  ${lineOf(violation)}`);
    if (!found) process.exitCode = 1;
  }
} else {
  const size = values.long ? { requests: 14_000, seconds: 420, outage: 30 } : { requests: 600, seconds: 45, outage: 8 };
  const first = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
  await mkdir(values.out, { recursive: true });
  for (let seed = first; seed < first + Number(values.runs); seed += 1) {
    const report = await runChaos({
      seed,
      requests: Number(values.requests ?? size.requests),
      forMs: Number(values.seconds ?? size.seconds) * 1_000,
      outageMs: Number(values.outage ?? size.outage) * 1_000,
      patienceMs: values.long ? 600_000 : 180_000,
    });
    print(report);
    const file = join(values.out, `seed-${seed}.html`);
    const summary = [...table(report), ...report.violations.slice(0, 50).map(lineOf)];
    await writeFile(file, timelineHtml(`Chaos, seed ${seed}`, report.timeline, summary));
    console.log(`  timeline: ${file}\n`);
    if (report.violations.length > 0) process.exitCode = 1;
  }
}

function table({ figures }: ChaosReport): string[] {
  return Object.entries(figures).map(([name, value]) => `${name}: ${value}`);
}

function lineOf({ invariant, subject, detail }: ChaosReport['violations'][number]): string {
  return `BROKEN: ${invariant}: ${subject}: ${detail}`;
}

function print(report: ChaosReport): void {
  console.log(
    `seed ${report.seed}: ${report.violations.length === 0 ? 'green' : `${report.violations.length} promises broken`}`,
  );
  for (const [name, value] of Object.entries(report.figures))
    console.log(`  ${name.padEnd(36)} ${String(value).padStart(8)}`);
  for (const violation of report.violations.slice(0, 40)) console.log(`  ${lineOf(violation)}`);
}
