import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackDebianPackages, unpackFailure } from '@queue-service/sandbox';
import { toolsCache } from './paths.ts';
import { run } from './run.ts';

async function works(file: string): Promise<boolean> {
  return run(file, ['--version']).then(
    ({ code }) => code === 0,
    () => false,
  );
}

/**
 * Prometheus' own checker: on PATH, else from Debian's archive, unpacked without root.
 * @throws Error that says what to install.
 */
export async function promtool(env: NodeJS.ProcessEnv): Promise<string> {
  if (await works('promtool')) return 'promtool';
  const root = join(toolsCache, 'prometheus');
  const file = join(root, 'usr/bin/promtool');
  const unpacked = await access(file).then(
    () => true,
    () => false,
  );
  try {
    // A static program: it needs none of what the package depends on.
    if (!unpacked)
      await unpackDebianPackages({ names: ['prometheus'], withLibraries: false, root, env, log: () => {} });
    if (await works(file)) return file;
    throw new Error(`${file} does not run here`);
  } catch (error) {
    throw new Error(
      `No promtool found. Install it (Debian: apt-get install prometheus; macOS: brew install prometheus). ${unpackFailure(error)}`,
    );
  }
}
