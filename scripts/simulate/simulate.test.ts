import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../chaos/random.ts';
import { plantedFaults } from './planted.ts';
import { simulate } from './run.ts';

const lives = 100_000;

it(`breaks no promise in ${lives} lives of jobs under faults, whatever the order of events`, {
  timeout: 600_000,
}, async () => {
  const from = Math.floor(Math.random() * 2 ** 30);
  for (let seed = from; seed < from + lives; seed += 1) {
    const { violations } = await simulate(createRandom(seed));
    expect(violations, `pnpm simulate --seed ${seed} tells the story`).toEqual([]);
  }
});

it('lives the same life again by its seed', async () => {
  const [first, second] = [await simulate(createRandom(7)), await simulate(createRandom(7))];
  expect(second).toEqual(first);
});

describe('finds out a build in which', () => {
  /** What shows seldom is looked for from where it is known to show. */
  const from: Readonly<Record<string, number>> = { 'a decline is final while another confirm is under way': 60_000 };

  it.each(Object.keys(plantedFaults))('%s', { timeout: 300_000 }, async (fault) => {
    const args = ['--import', join(import.meta.dirname, 'planted.ts'), join(import.meta.dirname, 'main.ts')];
    const child = spawn(process.execPath, [...args, '--seeds', '200000', '--from', String(from[fault] ?? 1)], {
      env: { ...process.env, SIMULATE_FAULT: fault },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const told = await text(child.stdout);
    expect(told).toMatch(/^seed \d+, shrunk$/m);
  });
});
