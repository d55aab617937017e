import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type GeneratedFiles, generateKustomizations } from './generate/kustomizations.ts';
import { componentOf, containersOf, type Manifest, ofKind, parseManifests } from './manifests/manifest.ts';
import { problemsOf } from './manifests/problems.ts';
import { renderChart, renderKustomization } from './manifests/render.ts';
import { helmMajors, kubernetesPrograms } from './tools/kubernetes-programs.ts';
import { kustomizations } from './tools/paths.ts';
import { output } from './tools/run.ts';

// The first run fetches them.
beforeAll(() => Promise.all(helmMajors.map(kubernetesPrograms)), 300_000);

const overlays = readdirSync(join(kustomizations, 'overlays')).map((name) => `overlays/${name}`);

describe('what is made from the chart', () => {
  let made: GeneratedFiles;
  beforeAll(async () => {
    made = await generateKustomizations();
  });

  test('is what the repository holds; otherwise run `pnpm --filter @queue-service/deploy generate`', () => {
    const held = [...made.keys()].map((path) => [path, readFileSync(join(kustomizations, path), 'utf8')]);
    expect(new Map(held as [string, string][])).toEqual(made);
  });

  test('leaves nothing behind that the chart does not make any more', () => {
    const found = ['base', 'ops'].flatMap((folder) =>
      readdirSync(join(kustomizations, folder)).map((file) => `${folder}/${file}`),
    );
    expect(found.filter((path) => !made.has(path))).toEqual([]);
  });
});

test('the base runs the same pods as the chart', async () => {
  const [kustomized, chart] = await Promise.all([renderKustomization('base'), renderChart('helm4', [])]);
  const pods = (manifests: readonly Manifest[]) =>
    Object.fromEntries(ofKind(manifests, 'Deployment').map((one) => [one.metadata.name, containersOf(one)]));
  expect(pods(kustomized)).toEqual(pods(chart));
});

test.each(['base', ...overlays])('%s has no problem', async (folder) => {
  const manifests = await renderKustomization(folder);
  expect(problemsOf(manifests)).toEqual([]);
  expect(ofKind(manifests, 'Deployment')).toHaveLength(5);
});

test.each(overlays)('%s renders the same with an older kubectl', async (folder) => {
  expect(await renderKustomization(folder, 'helm3')).toEqual(await renderKustomization(folder, 'helm4'));
});

test.each(overlays)('the namespace of %s enforces the restricted profile', async (folder) => {
  const [namespace] = ofKind(await renderKustomization(folder), 'Namespace');
  expect(namespace?.metadata.labels?.['pod-security.kubernetes.io/enforce']).toBe('restricted');
});

test('the trial stores are addressed by what is there', async () => {
  const manifests = await renderKustomization('overlays/dev');
  const secret = ofKind(manifests, 'Secret').find(({ metadata }) => metadata.name === 'queue-service-stores');
  const hosts = Object.values(secret?.data ?? {}).map(
    (value) => new URL(Buffer.from(value, 'base64').toString()).hostname,
  );
  const services = ofKind(manifests, 'Service').map(({ metadata }) => metadata.name);
  expect(hosts).toHaveLength(4);
  for (const host of hosts) expect(services).toContain(host);
});

describe('the Jobs of operators', () => {
  const files = readdirSync(join(kustomizations, 'ops')).filter((file) => file.endsWith('.yaml'));
  let base: Manifest[];
  beforeAll(async () => {
    base = await renderKustomization('base');
  });
  const jobOf = (file: string) => parseManifests(readFileSync(join(kustomizations, 'ops', file), 'utf8'));

  test('are there for redriving, reconciling, pausing, resuming and draining', () => {
    expect(files.map((file) => file.replace('.yaml', ''))).toEqual(
      expect.arrayContaining(['redrive-money', 'reconcile', 'pause-all', 'resume-all', 'drain-money']),
    );
  });

  test.each(files)('%s has no problem in the namespace of the base', (file) => {
    const jobs = jobOf(file);
    expect(problemsOf([...base, ...jobs])).toEqual([]);
    expect(jobs.map(componentOf)).toEqual(['ops']);
    expect(jobs[0]?.metadata.generateName).toMatch(/^queue-service-[a-z-]+-$/);
    expect(containersOf(jobs[0] as Manifest)[0]?.args?.slice(0, 2)).toEqual(['node', 'packages/cli/src/main.ts']);
  });

  test('take the image of the release as the guide says', async () => {
    const { kubectl } = await kubernetesPrograms('helm4');
    const file = join(kustomizations, 'ops/reconcile.yaml');
    const text = await output(kubectl, [
      'set',
      'image',
      '--local',
      '-f',
      file,
      'queuectl=registry.example.com/q:9.9.9',
      '-o',
      'yaml',
    ]);
    expect(containersOf(parseManifests(text)[0] as Manifest)[0]?.image).toBe('registry.example.com/q:9.9.9');
  });
});
