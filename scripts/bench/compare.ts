/** Of what is compared, what the figure says: a quotient, a difference in the unit, or our own value. */
export type Figure = 'ratio' | 'difference' | 'value';

export type Bar = { atLeast: number } | { atMost: number } | null;

/** One line of the table. */
export interface Line {
  name: string;
  unit: string;
  /** Of each contestant, a value a round. */
  rounds: Readonly<Record<string, readonly number[]>>;
  figure: Figure;
  value: number;
  bar: Bar;
  note: string;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  if (low === undefined || high === undefined) throw new Error('the median of nothing');
  return (low + high) / 2;
}

/** @param share 0.5 is the median */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function mediansOf({ rounds }: Pick<Line, 'rounds'>): Record<string, number> {
  return Object.fromEntries(Object.entries(rounds).map(([name, values]) => [name, median(values)]));
}

export type Contestant = () => Promise<number>;

/**
 * Runs the contestants in turns, another one first in each round, so that what else the machine does meets all of them.
 */
export async function inTurns(options: {
  rounds: number;
  contestants: Readonly<Record<string, Contestant>>;
  told?: (contestant: string, value: number, round: number) => void;
}): Promise<Record<string, number[]>> {
  const { rounds, contestants, told } = options;
  const names = Object.keys(contestants);
  const seen: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(turn + round) % names.length] ?? '';
      const value = await contestants[name]?.();
      if (value === undefined) continue;
      seen[name]?.push(value);
      told?.(name, value, round + 1);
    }
  }
  return seen;
}

/**
 * The median of what ours makes of the best of the others, round by round: what slows a whole round cancels out.
 * @param best 'highest' where more is better
 */
export function compared(
  rounds: Readonly<Record<string, readonly number[]>>,
  ours: string,
  against: readonly string[],
  figure: Figure,
  best: 'highest' | 'lowest' = 'highest',
): number {
  const own = rounds[ours] ?? [];
  return median(
    own.map((value, round) => {
      const others = against.map((name) => rounds[name]?.[round] ?? Number.NaN);
      const other = best === 'highest' ? Math.max(...others) : Math.min(...others);
      if (figure === 'ratio') return value / other;
      return figure === 'difference' ? value - other : value;
    }),
  );
}

export function holds({ value, bar }: Pick<Line, 'value' | 'bar'>): boolean {
  if (bar === null) return true;
  return 'atLeast' in bar ? value >= bar.atLeast : value <= bar.atMost;
}
