import { access, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { libraryFolders, unpackDebianPackages, unpackFailure } from './debian-packages.ts';
import { type FindRedisOptions, runsAsRedis } from './redis-command.ts';

type Found = { found: true; file: string; env: NodeJS.ProcessEnv } | { found: false; reason: string };

async function asFound(root: string, base: NodeJS.ProcessEnv): Promise<Found> {
  const file = join(root, 'usr', 'bin', 'redis-server');
  const env = {
    ...base,
    LD_LIBRARY_PATH: [...(await libraryFolders(root)), base['LD_LIBRARY_PATH']].filter(Boolean).join(':'),
  };
  if (await runsAsRedis(file, env)) return { found: true, file, env };
  return { found: false, reason: `${file} does not run here` };
}

/** The Redis of Debian's or Ubuntu's archive, unpacked into `cacheDir`, without root and without installing anything. */
export async function redisFromDebian({ cacheDir, env, log }: FindRedisOptions): Promise<Found> {
  const root = join(cacheDir, 'redis');
  try {
    const cached = await access(join(root, 'usr')).then(
      () => true,
      () => false,
    );
    if (cached) {
      const found = await asFound(root, env);
      if (found.found) return found;
      await rm(root, { recursive: true, force: true });
    }
    log('fetching Redis from the Debian archive');
    await unpackDebianPackages({
      names: ['redis-tools'],
      withLibraries: true,
      root,
      env,
      log,
      // redis-server is this same program; it decides by the name it is called by.
      finish: (unpacked) => symlink('redis-check-rdb', join(unpacked, 'usr', 'bin', 'redis-server')),
    });
    return await asFound(root, env);
  } catch (error) {
    return { found: false, reason: unpackFailure(error) };
  }
}
