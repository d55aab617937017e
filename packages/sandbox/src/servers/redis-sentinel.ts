import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { lockDataDir } from './data-dir-lock.ts';
import { type EmbeddedServer, embeddedServer } from './embedded-server.ts';
import { findRedis } from './redis-command.ts';
import { repositoryCacheDir } from './repository-cache.ts';
import { launch } from './server-process.ts';

export interface StartSentinelOptions {
  dataDir: string;
  /** The port of the Redis that leads at the beginning, on 127.0.0.1. */
  masterPort: number;
  /** Default `mymaster`. */
  masterName?: string;
  /** How long the master must be silent to be replaced, in milliseconds. Default 500. */
  downAfterMs?: number;
}

const STOP_SIGNAL = 'SIGTERM';

/**
 * Starts one Sentinel, whose word alone is enough, on 127.0.0.1. Its `url` is for the service.
 * @throws Error when there is no Redis on this machine but in Docker, where it could not reach the others
 */
export async function startSentinel(options: StartSentinelOptions): Promise<EmbeddedServer> {
  const { masterName = 'mymaster', masterPort, downAfterMs = 500 } = options;
  const dataDir = resolve(options.dataDir);
  const command = await findRedis({ cacheDir: repositoryCacheDir(), env: process.env, log: () => undefined });
  if (command.kind !== 'binary') throw new Error('A Sentinel needs a Redis that is installed, not one in Docker');
  const lock = await lockDataDir(dataDir, STOP_SIGNAL);
  await mkdir(dataDir, { recursive: true });
  // It keeps what it learns in its file.
  const file = join(dataDir, 'sentinel.conf');
  return embeddedServer({
    dataDir,
    port: undefined,
    lock,
    url: (port) => `redis+sentinel://127.0.0.1:${port}/${masterName}`,
    isTransient: () => false,
    launch: async (port) => {
      const lines = [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir "${dataDir}"`,
        `sentinel monitor ${masterName} 127.0.0.1 ${masterPort} 1`,
        `sentinel down-after-milliseconds ${masterName} ${downAfterMs}`,
        `sentinel failover-timeout ${masterName} 5000`,
      ];
      await writeFile(file, `${lines.join('\n')}\n`);
      return launch({
        ...{ name: 'Sentinel', file: command.file, args: [file, '--sentinel'], env: command.env },
        ...{ ready: /\+monitor master/, stopSignal: STOP_SIGNAL },
      });
    },
  });
}
