import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from './steps.mjs';

/** npm by the Node that runs us, so that a `npm` on PATH that belongs to another Node does not get in.
 * @param {NodeJS.ProcessEnv} env
 * @returns {[string, ...string[]]}
 */
function npm(env) {
  return env.npm_execpath && /npm-cli\.js$/.test(env.npm_execpath)
    ? [process.execPath, env.npm_execpath]
    : [process.platform === 'win32' ? 'npm.cmd' : 'npm'];
}

/**
 * Installs one package with npm into a folder of its own. The folder appears only when it is complete.
 * Install scripts are not run: none of what is fetched this way needs one.
 * @param {string} folder
 * @param {string} spec
 * @param {NodeJS.ProcessEnv} env
 */
export async function installNpmPackage(folder, spec, env) {
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(`${folder}.new-`);
  try {
    await writeFile(join(work, 'package.json'), '{"private":true}\n');
    const [file, ...first] = npm(env);
    await run(
      file,
      [...first, 'install', ...['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--no-package-lock'], spec],
      { cwd: work, env: { ...env, npm_config_prefix: undefined, npm_config_global: undefined } },
    );
    await rm(folder, { recursive: true, force: true });
    await rename(work, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
