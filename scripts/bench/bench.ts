import { type Contestant, compared, type Figure, inTurns, type Line } from './compare.ts';
import type { Measured, Settings } from './contestant.ts';
import type { Stores } from './stores.ts';

/** What a contest works with. */
export interface Bench {
  readonly stores: Stores;
  readonly rounds: number;
  /** Small loads: shows that it works, measures little. */
  readonly quick: boolean;
  /** Up to a million jobs, and BullMQ's minute-long recovery beside ours. */
  readonly full: boolean;
  /** A load of the usual size, or of a twentieth. */
  size(usual: number): number;
  /** Emptied stores, for one contestant. */
  settings(): Promise<Settings>;
  log(line: string): void;
}

export interface Contest {
  readonly name: string;
  /** For what takes long, or hardly varies. */
  readonly mostRounds?: number;
  run(bench: Bench): Promise<Line[]>;
}

export interface Comparing {
  name: string;
  unit: string;
  contestants: Readonly<Record<string, Contestant>>;
  against: readonly string[];
  figure?: Figure;
  best?: 'highest' | 'lowest';
  bar: Line['bar'];
  note?: string;
  rounds?: number;
}

/** Beside jobs per second, what the process itself used: that hardly depends on what else runs on the machine. */
export function byCpu(
  line: Line,
  rounds: Readonly<Record<string, readonly number[]>>,
  against: readonly string[],
): Line {
  const [ours = ''] = Object.keys(line.rounds);
  return {
    ...{ name: `${line.name}, by CPU of the process`, unit: 'jobs/s of CPU', rounds, figure: 'ratio', bar: null },
    ...{ value: compared(rounds, ours, against, 'ratio'), note: 'the same rounds' },
  };
}

/** One line; ours is the first contestant. */
export async function compare(bench: Bench, options: Comparing): Promise<Line> {
  const { name, unit, contestants, against, figure = 'ratio', best = 'highest', bar, note = '' } = options;
  const rounds = await inTurns({
    rounds: options.rounds ?? bench.rounds,
    contestants,
    told: (who, value, round) => bench.log(`  ${name}, round ${round}: ${who} ${value.toPrecision(4)} ${unit}`),
  });
  const [ours = ''] = Object.keys(contestants);
  return { name, unit, rounds, figure, bar, note, value: compared(rounds, ours, against, figure, best) };
}

export const perSecond = ({ count, seconds }: Measured) => count / seconds;
