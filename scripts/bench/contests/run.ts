import { type Bench, byCpu, type Contest, compare, perSecond } from '../bench.ts';
import type { Line } from '../compare.ts';
import { type Measured, measure, type Settings } from '../contestant.ts';

/** Fills a queue of ours or a bare one, then has one process run it. */
export async function runJobs(bench: Bench, engine: 'ours' | 'bare', given: Settings): Promise<Measured> {
  const settings = { ...(await bench.settings()), ...given };
  await measure('fill', { ...settings, engine });
  return measure(`run-${engine}`, settings);
}

export const run: Contest = {
  name: 'run',
  run: async (bench) => {
    const lines: Line[] = [];
    for (const concurrency of [1, 10, 100]) {
      const jobs = bench.size(concurrency === 1 ? 10_000 : 30_000);
      const cpu: Record<string, number[]> = { ours: [], 'bare BullMQ': [] };
      const work = (engine: 'ours' | 'bare') => async () => {
        const ran = await runJobs(bench, engine, { jobs, warm: Math.floor(jobs / 3), concurrency });
        cpu[engine === 'ours' ? 'ours' : 'bare BullMQ']?.push(ran.count / ran.cpuSeconds);
        return perSecond(ran);
      };
      const line = await compare(bench, {
        name: `run no-ops, concurrency ${concurrency}`,
        ...{ unit: 'jobs/s', against: ['bare BullMQ'], bar: { atLeast: 0.9 } },
        contestants: { ours: work('ours'), 'bare BullMQ': work('bare') },
        note: 'a fleet worker with everything on against a bare BullMQ worker',
      });
      lines.push(line, byCpu(line, cpu, ['bare BullMQ']));
    }
    return lines;
  },
};
