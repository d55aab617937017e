import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { installNpmPackage } from './npm-package.mjs';
import { cache, root } from './paths.mjs';
import { StepFailed, step } from './steps.mjs';

/** The folder of pnpm's own program for this platform; the package `pnpm` is a shell around it.
 * @param {string} folder
 */
function programFolder(folder) {
  const scope = join(folder, 'node_modules', '@pnpm');
  if (!existsSync(scope)) return undefined;
  const name = readdirSync(scope).find((entry) => existsSync(join(scope, entry, 'pnpm')));
  return name && join(scope, name);
}

/**
 * The pnpm of `packageManager`, whatever else is installed on the machine: another version reads the lockfile otherwise.
 * @param {string} node
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<NodeJS.ProcessEnv>} `env` with that pnpm and `node` first on PATH
 */
export async function ensurePnpm(node, env) {
  const { packageManager } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const version = /^pnpm@([^+]+)/.exec(packageManager)?.[1];
  if (version === undefined) throw new StepFailed(`package.json: packageManager "${packageManager}" is not pnpm`);
  const folder = join(cache, `pnpm-${version}`);
  if (programFolder(folder) === undefined) {
    await step(`installing pnpm ${version}`, {}, () => installNpmPackage(folder, `pnpm@${version}`, env));
  }
  const program = programFolder(folder);
  if (program === undefined)
    throw new StepFailed(`pnpm ${version} has no program for ${process.platform}-${process.arch}`);
  return { ...env, PATH: [program, dirname(node), env.PATH].join(delimiter) };
}
