import type { Bench, Contest } from '../bench.ts';
import { compared, inTurns, type Line, percentile } from '../compare.ts';
import { measure, serve } from '../contestant.ts';

const engines = ['ours', 'BullMQ', 'graphile-worker', 'pg-boss'];
const concurrency = 10;

/** Producer and worker are processes of their own; as many jobs as `warm` come before and are not counted. */
async function latencies(bench: Bench, engine: string, rate: number): Promise<{ p50: number; p99: number }> {
  const settings = { ...(await bench.settings()), engine, concurrency };
  const worker = await serve('latency', { ...settings, role: 'work' });
  const warm = bench.size(1_000);
  await measure('latency', { ...settings, role: 'produce', rate, warm, seconds: bench.quick ? 1 : 5 });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const all = (await worker.stop()).latenciesMs ?? [];
  const values = all.slice(warm);
  return { p50: percentile(values, 0.5), p99: percentile(values, 0.99) };
}

/** Jobs a second that one producer and one worker of ours get through together on this machine, once warm. */
async function capacityOf(bench: Bench): Promise<number> {
  const settings = { ...(await bench.settings()), engine: 'ours', concurrency };
  const worker = await serve('latency', { ...settings, role: 'work' });
  let ran = 0;
  const flood = async (jobs: number) => {
    const startedAt = performance.now();
    await measure('latency', { ...settings, role: 'flood', jobs });
    for (ran += jobs; !worker.output().includes(`ran ${ran}\n`); )
      await new Promise((resolve) => setTimeout(resolve, 20));
    return jobs / ((performance.now() - startedAt) / 1_000);
  };
  await flood(bench.size(5_000));
  const capacity = await flood(bench.size(20_000));
  await worker.stop();
  return capacity;
}

/** From the call that adds a job to the first line of its handler. */
export const latency: Contest = {
  name: 'latency',
  run: async (bench) => {
    const capacity = await capacityOf(bench);
    const lines: Line[] = [];
    for (const [load, rate] of [
      ['low load', 20],
      ['half capacity', Math.round(capacity / 2)],
    ] as const) {
      const p99: Record<string, number[]> = Object.fromEntries(engines.map((engine) => [engine, []]));
      const one = (engine: string) => async () => {
        const found = await latencies(bench, engine, rate);
        bench.log(`  ${load}, ${rate}/s: ${engine} p50 ${found.p50.toFixed(2)} ms, p99 ${found.p99.toFixed(2)} ms`);
        p99[engine]?.push(found.p99);
        return found.p50;
      };
      const p50 = await inTurns({
        rounds: bench.rounds,
        contestants: Object.fromEntries(engines.map((engine) => [engine, one(engine)])),
      });
      const shared = {
        unit: 'ms',
        figure: 'difference' as const,
        note: `${rate} jobs/s of one producer, concurrency 10`,
      };
      const line = (which: string, rounds: Record<string, number[]>, bar: Line['bar']): Line => ({
        ...{ ...shared, name: `enqueue to start, ${load}, ${which}`, rounds, bar },
        value: compared(rounds, 'ours', ['BullMQ'], 'difference', 'lowest'),
      });
      lines.push(line('p50', p50, { atMost: 1 }), line('p99', p99, null));
    }
    return lines;
  },
};
