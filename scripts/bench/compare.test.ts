import { expect, test } from 'vitest';
import { compared, holds, inTurns, type Line, median, percentile } from './compare.ts';
import { chartOf, tableOf } from './table.ts';

test('medians and percentiles', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), percentile([5, 1, 3], 0.5), percentile([1, 2], 0.99)]).toEqual([
    2, 2.5, 3, 2,
  ]);
  expect(() => median([])).toThrow('nothing');
});

test('contestants run in turns, another one first in each round', async () => {
  const order: string[] = [];
  const one = (name: string) => async () => order.push(name);
  const rounds = await inTurns({ rounds: 2, contestants: { a: one('a'), b: one('b') } });
  expect(order).toEqual(['a', 'b', 'b', 'a']);
  expect(rounds).toEqual({ a: [1, 4], b: [2, 3] });
});

test('a slow round is slow for all, and the best of the others counts', () => {
  const rounds = { ours: [90, 9, 900], slower: [10, 1, 100], faster: [100, 10, 1_000] };
  expect(compared(rounds, 'ours', ['slower', 'faster'], 'ratio')).toBe(0.9);
  expect(compared(rounds, 'ours', ['slower', 'faster'], 'difference', 'lowest')).toBe(80);
  expect(compared(rounds, 'ours', [], 'value')).toBe(90);
});

test('the table says what holds, and the chart shows what does not', () => {
  const line = { unit: 'jobs/s', rounds: { ours: [80], 'a<b': [100] }, figure: 'ratio', value: 0.8, note: '' } as const;
  const lines: Line[] = [
    { ...line, name: 'missed', bar: { atLeast: 0.9 } },
    { ...line, name: 'held', bar: { atMost: 0.9 } },
    { ...line, name: 'told', bar: null },
  ];
  expect(lines.map(holds)).toEqual([false, true, true]);
  expect(tableOf(lines).split('\n')[2]).toBe('| missed | ours 80, a<b 100 jobs/s | 0.80 | ≥ 0.9 | MISSED |');
  const chart = chartOf(lines);
  expect(chart.match(/#dc2626/g)).toHaveLength(1);
  expect(chart).toContain('a&lt;b');
});
