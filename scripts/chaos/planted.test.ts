import { expect, it } from 'vitest';
import { plantedRuns, runPlanted } from './planted.ts';

// Side by side: they wait most of the time.
it.concurrent.each(Object.keys(plantedRuns))(
  'finds out a build with a planted fault: %s',
  {
    timeout: 300_000,
  },
  async (name) => {
    let run = await runPlanted(name, 7);
    // Whether a safeguard is missed hangs on moments: who wakes up may notice first that its lease is over, and do no harm.
    for (const seed of [8, 9]) if (run.report.violations.length === 0) run = await runPlanted(name, seed);
    expect(run.report.violations).not.toEqual([]);
    expect(run.found).toBe(true);
  },
);
