import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createMetrics } from './create-metrics.ts';

const root = join(import.meta.dirname, '../../../..');

/** Everything a process runs, without tests and what is only for them. */
async function sources(): Promise<string> {
  const texts: string[] = [];
  for await (const file of glob('{apps,packages}/*/src/**/*.ts', { cwd: root })) {
    if (/\.test\.ts$|\/testing\/|\/generated\/|^packages\/sandbox\//.test(file)) continue;
    texts.push(await readFile(join(root, file), 'utf8'));
  }
  return texts.join('\n');
}

it('is set by something: a panel of a metric that nothing sets shows a calm that is not there', async () => {
  const text = await sources();
  const metrics = Object.entries(createMetrics({ service: 'api' })).filter(
    ([, value]) => typeof value === 'object' && ['inc', 'set', 'observe'].some((verb) => verb in value),
  );
  expect(metrics.length).toBeGreaterThan(20);
  const unset = metrics
    .map(([name]) => name)
    .filter(
      (name) =>
        !new RegExp(`\\b[mM]etrics\\??\\.${name}\\b`).test(text) &&
        !new RegExp(`\\b${name}\\.(inc|set|observe|start)\\(`).test(text),
    );
  expect(unset).toEqual([]);
});
