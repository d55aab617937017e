import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { containersOf } from './manifests/manifest.ts';
import { renderChart } from './manifests/render.ts';
import { root } from './tools/paths.ts';

const read = async (path: string) => parse(await readFile(join(root, path), 'utf8'));

test('worker-background has the heap of its start script in compose and in the chart', {
  timeout: 300_000,
}, async () => {
  const { scripts } = await read('apps/worker-background/package.json');
  const flags = scripts.start.match(/--max-\S+/g).join(' ');
  const { services } = await read('docker-compose.yml');
  expect(services['worker-background'].environment.NODE_OPTIONS).toBe(flags);
  const containers = (await renderChart('helm4', ['-f', 'ci/minimal-values.yaml'])).flatMap(containersOf);
  const background = containers.find(({ args }) => args?.includes('apps/worker-background/src/main.ts'));
  expect(background?.env?.find(({ name }) => name === 'NODE_OPTIONS')?.value).toBe(flags);
});
