import { expect, it } from 'vitest';
import { plantedRuns, runPlanted } from './planted.ts';

// Side by side: they wait most of the time.
it.concurrent.each(Object.keys(plantedRuns))(
  'finds out a build with a planted fault: %s',
  {
    timeout: 240_000,
  },
  async (name) => {
    const { found, report } = await runPlanted(name, 7);
    expect(report.violations).not.toEqual([]);
    expect(found).toBe(true);
  },
);
