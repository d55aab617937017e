import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cache, root } from './paths.mjs';
import { run, step } from './steps.mjs';

/** The files that decide what belongs into node_modules.
 * @param {string} folder
 */
async function manifests(folder) {
  const found = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'];
  for (const group of ['apps', 'packages']) {
    for (const name of (await readdir(join(folder, group))).sort()) found.push(join(group, name, 'package.json'));
  }
  return found.filter((file) => existsSync(join(folder, file)));
}

/** Changes when an install would change something. The Node version counts: native modules are built for one.
 * @param {string} folder
 * @param {string} node
 */
export async function installStamp(folder, node) {
  const hash = createHash('sha256').update(node);
  for (const file of await manifests(folder)) hash.update(file).update(await readFile(join(folder, file)));
  return hash.digest('hex');
}

/** Installs what the lockfile says, and nothing when that was done before.
 * @param {string} node
 * @param {NodeJS.ProcessEnv} env
 */
export async function installDependencies(node, env) {
  const file = join(cache, 'install.sha256');
  const stamp = await installStamp(root, node);
  const installed = existsSync(join(root, 'node_modules', '.modules.yaml'));
  if (installed && existsSync(file) && (await readFile(file, 'utf8')) === stamp) return;
  await step('installing packages', {}, () =>
    // CI: no questions, for nobody may be there to answer them.
    run('pnpm', ['install', '--frozen-lockfile'], { cwd: root, env: { ...env, CI: 'true' } }),
  );
  await mkdir(cache, { recursive: true });
  await writeFile(file, stamp);
}
