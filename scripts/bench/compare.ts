/** One line of the table: a figure beside what it is compared with, in the same run. */
export interface Comparison {
  name: string;
  /** Of each contestant, the median of the rounds. */
  medians: Readonly<Record<string, number>>;
  unit: string;
  /** What is compared: ours over the reference, medians of the ratios of each round. */
  ratio: number;
  /** The ratio must reach it. */
  bar: number | null;
  note: string;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  if (low === undefined || high === undefined) throw new Error('the median of nothing');
  return (low + high) / 2;
}

export type Contestant = () => Promise<number>;

/**
 * Runs the contestants in turns, another one first in each round, so that what else the machine does meets all of them.
 * The ratio is taken round by round: what slows a whole round cancels out.
 */
export async function compare(options: {
  name: string;
  unit: string;
  rounds: number;
  contestants: Readonly<Record<string, Contestant>>;
  ours: string;
  /** The best of these is what is compared with. */
  against: readonly string[];
  bar: number | null;
  note?: string;
  log?: (line: string) => void;
}): Promise<Comparison> {
  const { name, unit, rounds, contestants, ours, against, bar, note = '', log = () => {} } = options;
  const seen: Record<string, number[]> = Object.fromEntries(Object.keys(contestants).map((key) => [key, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = Object.keys(contestants);
    for (let turn = 0; turn < order.length; turn += 1) {
      const key = order[(turn + round) % order.length] ?? '';
      const value = await contestants[key]?.();
      if (value === undefined) continue;
      seen[key]?.push(value);
      log(`  ${name}, round ${round + 1}: ${key} ${Math.round(value)} ${unit}`);
    }
  }
  const ratios = Array.from({ length: rounds }, (_, round) => {
    const best = Math.max(...against.map((key) => seen[key]?.[round] ?? 0));
    return (seen[ours]?.[round] ?? 0) / best;
  });
  const medians = Object.fromEntries(Object.entries(seen).map(([key, values]) => [key, median(values)]));
  return { name, unit, medians, ratio: median(ratios), bar, note };
}

export function holds({ ratio, bar }: Comparison): boolean {
  return bar === null || ratio >= bar;
}

export function tableOf(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map((one) => {
    const figures = Object.entries(one.medians).map(
      ([key, value]) => `${key} ${Math.round(value).toLocaleString('en')}`,
    );
    const verdict = one.bar === null ? '' : holds(one) ? 'holds' : 'MISSED';
    return `| ${one.name} | ${figures.join(', ')} ${one.unit} | ${one.ratio.toFixed(2)} | ${one.bar ?? ''} | ${verdict} |`;
  });
  return ['| what | medians | ratio | bar | |', '|---|---|---|---|---|', ...rows].join('\n');
}

const [barHeight, labelWidth, chartWidth] = [26, 330, 460];

/** The ratios as bars, with a mark where each must reach. */
export function chartOf(comparisons: readonly Comparison[]): string {
  const most = Math.max(1.5, ...comparisons.map(({ ratio }) => ratio));
  const x = (ratio: number) => labelWidth + (ratio / most) * chartWidth;
  const bars = comparisons.map((one, index) => {
    const y = index * barHeight + 8;
    const mark =
      one.bar === null
        ? ''
        : `<line x1="${x(one.bar)}" x2="${x(one.bar)}" y1="${y - 3}" y2="${y + 19}" stroke="#111" stroke-width="2"/>`;
    const fill = holds(one) ? '#2563eb' : '#dc2626';
    return `<text x="${labelWidth - 8}" y="${y + 13}" text-anchor="end">${one.name}</text><rect x="${labelWidth}" y="${y}" width="${x(one.ratio) - labelWidth}" height="16" fill="${fill}"/>${mark}<text x="${x(one.ratio) + 6}" y="${y + 13}">${one.ratio.toFixed(2)}</text>`;
  });
  const height = comparisons.length * barHeight + 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${labelWidth + chartWidth + 60} ${height}" font-family="system-ui, sans-serif" font-size="13"><rect width="100%" height="100%" fill="#fff"/>${bars.join('')}</svg>\n`;
}
