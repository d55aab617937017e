import { existsSync } from 'node:fs';
import { access, constants, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { cache } from './paths.mjs';

/** @param {string | undefined} folder */
async function isWritable(folder) {
  if (!folder) return false;
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The environment for everything that is started from here. npm and pnpm keep caches in the home folder; where that is
 * missing or read-only (a container with a bare user id), a folder of ours takes its place.
 * @param {NodeJS.ProcessEnv} given
 * @param {string} cacheDir
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
export async function environment(given, cacheDir = cache) {
  const home = given.HOME ?? homedir();
  const env = {
    ...given,
    NO_UPDATE_NOTIFIER: '1',
    npm_config_update_notifier: 'false',
    TURBO_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
    // Types are stripped and code is compiled once, not at each start.
    NODE_COMPILE_CACHE: given.NODE_COMPILE_CACHE ?? join(cacheDir, 'compile'),
  };
  if (process.platform === 'win32' || (await isWritable(home))) return env;
  const own = join(cacheDir, 'home');
  await mkdir(own, { recursive: true });
  const userConfig = join(home, '.npmrc');
  return {
    ...env,
    HOME: own,
    XDG_CACHE_HOME: join(own, '.cache'),
    XDG_CONFIG_HOME: join(own, '.config'),
    XDG_DATA_HOME: join(own, '.local', 'share'),
    XDG_STATE_HOME: join(own, '.local', 'state'),
    npm_config_cache: join(own, '.npm'),
    ...(existsSync(userConfig) ? { npm_config_userconfig: userConfig } : {}),
  };
}
