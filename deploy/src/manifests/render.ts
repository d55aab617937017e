import { join } from 'node:path';
import { type HelmMajor, kubernetesPrograms } from '../tools/kubernetes-programs.ts';
import { chart, kustomizations, toolsCache } from '../tools/paths.ts';
import { output, type Ran, run } from '../tools/run.ts';
import { type Manifest, parseManifests } from './manifest.ts';

/** Helm reads and writes in folders of its own; those of the user are left alone. */
const HELM_FOLDERS = ['CACHE', 'CONFIG', 'DATA'].map(
  (name) => `HELM_${name}_HOME=${join(toolsCache, 'helm', name.toLowerCase())}`,
);

/** Runs Helm of a major, in the chart's folder. */
export async function helm(major: HelmMajor, args: readonly string[]): Promise<Ran> {
  const program = (await kubernetesPrograms(major)).helm;
  return run('env', [...HELM_FOLDERS, program, ...args], { cwd: chart });
}

/** @throws Error with what Helm says against the values. */
export async function renderChart(major: HelmMajor, args: readonly string[]): Promise<Manifest[]> {
  const { code, stdout, stderr } = await helm(major, [
    'template',
    'queue-service',
    '.',
    '--namespace',
    'queue-service',
    ...args,
  ]);
  if (code !== 0) throw new Error(stderr.trim());
  return parseManifests(stdout);
}

/** What `kubectl apply -k k8s/<folder>` would send. */
export async function renderKustomization(folder: string, major: HelmMajor = 'helm4'): Promise<Manifest[]> {
  const { kubectl } = await kubernetesPrograms(major);
  return parseManifests(await output(kubectl, ['kustomize', join(kustomizations, folder)]));
}
