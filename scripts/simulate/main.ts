import { parseArgs } from 'node:util';
import { createRandom } from '../chaos/random.ts';
import { simulate } from './run.ts';
import { recorded, shrink } from './shrink.ts';

/**
 * `pnpm simulate --seeds 100000 [--from 1]`: the money engine over simulated providers, every interleaving chosen by a seed.
 * Of the first life in which a promise is broken it tells the shortest story that breaks one too, and exits with 1.
 * `--seed N` tells the story of one life as it is.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
  },
});
const tell = (title: string, story: readonly string[], violations: readonly string[]) =>
  console.log([title, ...story.map((line) => `  ${line}`), ...violations].join('\n'));

if (values.seed !== undefined) {
  const { story, violations } = await simulate(createRandom(Number(values.seed)));
  tell(`seed ${values.seed}`, story, violations);
  process.exitCode = violations.length === 0 ? 0 : 1;
} else {
  const from = Number(values.from);
  const to = from + Number(values.seeds);
  const startedAt = performance.now();
  let steps = 0;
  let seed = from;
  for (; seed < to; seed += 1) {
    const life = await simulate(createRandom(seed));
    steps += life.steps;
    if (life.violations.length === 0) continue;
    const { random, draws } = recorded(seed);
    await simulate(random);
    const shortest = await shrink(draws);
    tell(`seed ${seed}, shrunk`, shortest.story, shortest.violations);
    process.exitCode = 1;
    break;
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(`${seed - from} lives without a broken promise, ${steps} interleaving points, ${seconds.toFixed(1)} s`);
}
