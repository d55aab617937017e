import { type Bench, type Contest, perSecond } from '../bench.ts';
import { inTurns, type Line, median } from '../compare.ts';
import { measure } from '../contestant.ts';
import { runJobs } from './run.ts';

/** The worst of the others against the first. */
function flatness(rounds: Readonly<Record<string, readonly number[]>>): number {
  const [first = 1, ...others] = Object.values(rounds).map(median);
  return Math.min(...others.map((value) => value / first));
}

async function line(
  bench: Bench,
  name: string,
  unit: string,
  atLeast: number,
  contestants: Record<string, () => Promise<number>>,
): Promise<Line> {
  const told = (who: string, value: number) => bench.log(`  ${name}: ${who} ${Math.round(value)} ${unit}`);
  const rounds = await inTurns({ rounds: bench.rounds, contestants, told });
  const note = 'the worst of the others against the first';
  return { name, unit, rounds, figure: 'ratio', value: flatness(rounds), bar: { atLeast }, note };
}

/** Whether a job costs more when more is waiting, or when more tenants wait. */
export const growth: Contest = {
  name: 'growth',
  mostRounds: 2,
  run: async (bench) => {
    const jobs = bench.size(8_000);
    const warm = Math.floor(jobs / 3);
    const rss: Record<string, number[]> = {};
    const run = (label: string, waiting: number, tenants: number) => async () => {
      const ran = await runJobs(bench, 'ours', { jobs, warm, waiting, tenants, concurrency: 10 });
      rss[label] = [...(rss[label] ?? []), ran.rssMiB];
      return perSecond(ran);
    };
    const add = (waiting: number) => async () => {
      const settings = { ...(await bench.settings()), queue: 'background', tenants: 10 };
      await measure('fill', { ...settings, jobs: 0, waiting });
      const added = await measure('add', {
        ...settings,
        engine: 'ours',
        jobs: bench.size(10_000),
        warm: bench.size(3_000),
      });
      return perSecond(added);
    };
    const waits = [0, 10_000, 100_000, ...(bench.full ? [1_000_000] : [])].map((count) =>
      bench.quick ? count / 100 : count,
    );
    const waiting = Object.fromEntries(waits.map((count) => [`${count.toLocaleString('en')} waiting`, count] as const));
    const tenants = Object.fromEntries(
      [1, 100, 10_000].map((count) => [`${count.toLocaleString('en')} tenants`, count] as const),
    );
    const each = (of: Record<string, number>, make: (label: string, count: number) => () => Promise<number>) =>
      Object.fromEntries(Object.entries(of).map(([label, count]) => [label, make(label, count)]));
    const lines = [
      await line(
        bench,
        'run with many waiting',
        'jobs/s',
        0.8,
        each(waiting, (label, count) => run(label, count, 10)),
      ),
      await line(
        bench,
        'accept with many waiting',
        'jobs/s',
        0.8,
        each(waiting, (_, count) => add(count)),
      ),
      await line(
        bench,
        'run with many tenants',
        'jobs/s',
        0.8,
        each(tenants, (label, count) => run(label, bench.size(20_000), count)),
      ),
    ];
    const memory: Line = {
      ...{ name: 'memory of a worker, whatever waits', unit: 'MiB', figure: 'ratio', rounds: rss },
      value: Math.max(...Object.values(rss).map(median)) / Math.min(...Object.values(rss).map(median)),
      ...{ bar: { atMost: 1.2 }, note: 'the largest against the smallest' },
    };
    return [...lines, memory];
  },
};
