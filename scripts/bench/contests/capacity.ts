import { type Bench, type Contest, perSecond } from '../bench.ts';
import { type Line, median } from '../compare.ts';
import { type Measured, measure, type Settings } from '../contestant.ts';
import { acceptOver } from './accept.ts';

type Micros = Record<'our process' | 'Redis' | 'PostgreSQL', number>;

async function costOf(bench: Bench, work: () => Promise<Measured>, jobs: number): Promise<Micros> {
  const before = await bench.stores.cpu();
  const { cpuSeconds, count } = await work();
  const after = await bench.stores.cpu();
  return {
    'our process': (cpuSeconds / count) * 1e6,
    Redis: ((after.redis - before.redis) / jobs) * 1e6,
    PostgreSQL: ((after.postgres - before.postgres) / jobs) * 1e6,
  };
}

async function costOfRunning(bench: Bench): Promise<Micros> {
  const jobs = bench.size(20_000);
  const settings = { ...(await bench.settings()), engine: 'ours', jobs, warm: Math.floor(jobs / 3), concurrency: 50 };
  await measure('fill', settings);
  return costOf(bench, () => measure('run-ours', settings), jobs);
}

async function costOfAccepting(bench: Bench, queue: 'communication' | 'money', batchOf: number): Promise<Micros> {
  const { appMicros, redisMicros, postgresMicros } = await acceptOver(bench, 'ours', queue, batchOf);
  return { 'our process': appMicros, Redis: redisMicros, PostgreSQL: postgresMicros };
}

async function costOfMoney(bench: Bench): Promise<Micros> {
  const jobs = bench.size(4_000);
  const warm = Math.ceil(jobs / 4);
  const settings = { ...(await bench.settings()), jobs, warm, concurrency: 50 };
  return costOf(bench, () => measure('money-ours', settings), jobs + warm);
}

/** What a fleet is sized by: CPU of a job in each process, in microseconds. */
export const capacity: Contest = {
  name: 'capacity',
  run: async (bench) => {
    const costs: Record<string, () => Promise<Micros>> = {
      'accepting one, communication': () => costOfAccepting(bench, 'communication', 1),
      'accepting one, money': () => costOfAccepting(bench, 'money', 1),
      'accepting in batches of 100, communication': () => costOfAccepting(bench, 'communication', 100),
      'running one, background': () => costOfRunning(bench),
      'money end to end, without HTTP': () => costOfMoney(bench),
    };
    const lines: Line[] = [];
    for (const [name, cost] of Object.entries(costs)) {
      // CPU time hardly depends on what else runs: one round is enough.
      const found = await cost();
      bench.log(`  CPU of ${name}: ${JSON.stringify(found)}`);
      const rounds = Object.fromEntries(Object.entries(found).map(([where, micros]) => [where, [micros]]));
      lines.push({
        ...{ name: `CPU of ${name}`, unit: 'µs', rounds, figure: 'value', value: found['our process'] },
        ...{ bar: null, note: 'user and system time a job' },
      });
    }
    return lines;
  },
};

/** A queue that is spread over partitions, each with a Redis and workers of its own, beside the same workers on one Redis. */
export const partitions: Contest = {
  name: 'partitions',
  mostRounds: 2,
  run: async (bench) => {
    const jobs = bench.size(15_000);
    const together = async (spread: boolean) => {
      const { redisUrl = '', secondRedisUrl = '', ...stores } = await bench.settings();
      const partition = (index: number): Settings => ({
        ...stores,
        ...{ engine: 'ours', jobs, warm: Math.floor(jobs / 3), concurrency: 50, prefix: `partition-${index}` },
        redisUrl: spread && index === 1 ? secondRedisUrl : redisUrl,
      });
      await Promise.all([0, 1].map((index) => measure('fill', partition(index))));
      const before = await bench.stores.redisCpu();
      const ran = await Promise.all([0, 1].map((index) => measure('run-ours', partition(index))));
      const after = await bench.stores.redisCpu();
      busiest[spread ? 'two Redis servers' : 'one Redis server']?.push(
        (Math.max(...after.map((used, index) => used - (before[index] ?? 0))) / (2 * jobs)) * 1e6,
      );
      return ran.reduce((sum, one) => sum + perSecond(one), 0);
    };
    const busiest: Record<string, number[]> = { 'two Redis servers': [], 'one Redis server': [] };
    const rounds: Record<string, number[]> = { 'two Redis servers': [], 'one Redis server': [] };
    for (let round = 0; round < bench.rounds; round += 1) {
      for (const spread of round % 2 === 0 ? [true, false] : [false, true]) {
        const name = spread ? 'two Redis servers' : 'one Redis server';
        rounds[name]?.push(await together(spread));
        bench.log(`  ${name}: ${Math.round(rounds[name]?.at(-1) ?? 0)} jobs/s`);
      }
    }
    const ratio = (of: Record<string, number[]>) =>
      median(of['two Redis servers'] ?? []) / median(of['one Redis server'] ?? []);
    const note = 'two workers of two partitions; all processes share the cores of this machine';
    return [
      { name: 'two partitions, run', unit: 'jobs/s', rounds, figure: 'ratio', value: ratio(rounds), bar: null, note },
      {
        ...{ name: 'two partitions, CPU of the busiest Redis', unit: 'µs/job', rounds: busiest, figure: 'ratio' },
        ...{ value: ratio(busiest), bar: { atMost: 0.6 }, note: 'what one server has to do of each job' },
      },
    ];
  },
};
