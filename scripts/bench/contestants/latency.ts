// One end of a queue: adds jobs at a steady rate, or as fast as 64 posters can, or runs them and notes how long each was
// on its way.
import { report, settings, timed } from '../contestant.ts';
import { engineOf } from '../engines.ts';

const given = settings();
const engine = engineOf(given['engine'] ?? '', given);
const nowMs = () => performance.timeOrigin + performance.now();

if (given['role'] === 'flood') {
  const add = await engine.producer();
  let left = Number(given['jobs']);
  const post = async () => {
    while (left > 0) {
      left -= 1;
      await add(nowMs());
    }
  };
  report(
    await timed(async () => {
      await Promise.all(Array.from({ length: 64 }, post));
      return Number(given['jobs']);
    }),
  );
} else if (given['role'] === 'produce') {
  const add = await engine.producer();
  const steadily = async (count: number, rate: number) => {
    const startedAt = performance.now();
    const all: Promise<unknown>[] = [];
    while (all.length < count) {
      for (const due = ((performance.now() - startedAt) / 1_000) * rate; all.length < Math.min(due, count); ) {
        all.push(add(nowMs()));
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(all);
  };
  const [rate, seconds, warm] = [Number(given['rate']), Number(given['seconds']), Number(given['warm'])];
  await steadily(warm, 250);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await steadily(Math.ceil(rate * seconds), rate);
  report({ count: Math.ceil(rate * seconds), seconds, cpuSeconds: 0, rssMiB: 0 });
} else {
  const latenciesMs: number[] = [];
  await engine.work((sentAt) => latenciesMs.push(nowMs() - sentAt), Number(given['concurrency']));
  process.stdout.write('listening for-jobs\n');
  setInterval(() => process.stdout.write(`ran ${latenciesMs.length}\n`), 50).unref();
  const measured = await timed(
    () =>
      new Promise((resolve) => {
        process.once('SIGTERM', () => resolve(latenciesMs.length));
      }),
  );
  await report({ ...measured, latenciesMs });
}
process.exit(0);
