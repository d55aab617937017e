import { createRandom, type Random } from '../chaos/random.ts';
import { type Simulated, simulate } from './run.ts';

/** Every draw of a seed, so that a life can be lived again with some of them left out. */
export function recorded(seed: number): { random: Random; draws: number[] } {
  const draws: number[] = [];
  const { next } = createRandom(seed);
  const random = fromDraws(() => {
    const drawn = next();
    draws.push(drawn);
    return drawn;
  });
  return { random, draws };
}

/** @returns a shorter life in which a promise is broken, as its story tells it; the tries are bounded */
export async function shrink(draws: readonly number[], tries = 3_000): Promise<Simulated> {
  const live = (these: readonly number[]) => {
    let at = 0;
    return simulate(fromDraws(() => these[at++] ?? 0.5));
  };
  let best = { draws: [...draws], life: await live(draws) };
  let left = tries;
  for (let chunk = Math.max(1, draws.length >> 1); chunk >= 1; chunk >>= 1) {
    for (let start = 0; start < best.draws.length && left > 0; left -= 1) {
      const fewer = best.draws.toSpliced(start, chunk);
      const life = await live(fewer);
      if (life.violations.length > 0 && life.story.length <= best.life.story.length) best = { draws: fewer, life };
      else start += chunk;
    }
  }
  return best.life;
}

function fromDraws(next: () => number): Random {
  const below = (limit: number) => Math.floor(next() * limit);
  return { next, below, pick: (items) => items[below(items.length)] as never };
}
