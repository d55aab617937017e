import { spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { lockDataDir } from './data-dir-lock.ts';
import { type EmbeddedServer, embeddedServer } from './embedded-server.ts';
import { findRedis, type RedisCommand } from './redis-command.ts';
import { repositoryCacheDir } from './repository-cache.ts';
import { launch, type ServerProcess } from './server-process.ts';

export interface StartRedisOptions {
  /** Made on the first start, used again afterwards. */
  dataDir: string;
  /** Default: any free port. */
  port?: number;
  /**
   * The append-only file: `everysec` loses at most the last second in a power cut, `always` nothing, `no` keeps everything in memory only.
   * A killed process loses nothing with either of the first two. Default `everysec`.
   */
  appendonly?: 'everysec' | 'always' | 'no';
  /** Further arguments, e.g. `['--cluster-enabled', 'yes']`. */
  args?: readonly string[];
  /** Where a downloaded Redis is kept. Default: `.cache` of this repository. */
  cacheDir?: string;
  /** The server's own lines, and what is done to get it. */
  log?: (line: string) => void;
}

const STOP_SIGNAL = 'SIGTERM';

function settings(appendonly: 'everysec' | 'always' | 'no'): string[] {
  return [
    // Anything else would let Redis drop jobs when memory is short.
    ...['--maxmemory-policy', 'noeviction'],
    ...['--appendonly', appendonly === 'no' ? 'no' : 'yes'],
    ...(appendonly === 'no' ? [] : ['--appendfsync', appendonly]),
    ...['--save', ''],
    ...['--daemonize', 'no'],
  ];
}

async function launchBinary(
  command: Extract<RedisCommand, { kind: 'binary' }>,
  port: number,
  dataDir: string,
  options: StartRedisOptions,
): Promise<ServerProcess> {
  return launch({
    name: 'Redis',
    file: command.file,
    args: [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      dataDir,
      ...settings(options.appendonly ?? 'everysec'),
      ...(options.args ?? []),
    ],
    env: command.env,
    ready: /Ready to accept connections/,
    stopSignal: STOP_SIGNAL,
    ...(options.log === undefined ? {} : { log: options.log }),
  });
}

async function launchContainer(
  command: Extract<RedisCommand, { kind: 'docker' }>,
  port: number,
  dataDir: string,
  options: StartRedisOptions,
): Promise<ServerProcess> {
  const name = `queue-service-redis-${port}`;
  const user = process.getuid === undefined ? [] : ['--user', `${process.getuid()}:${process.getgid?.() ?? 0}`];
  const server = await launch({
    name: 'Redis',
    file: 'docker',
    args: [
      ...['run', '--rm', '--name', name, '-p', `127.0.0.1:${port}:6379`, '-v', `${dataDir}:/data`, ...user],
      ...[command.image, 'redis-server', ...settings(options.appendonly ?? 'everysec')],
      ...(options.args ?? []),
    ],
    ready: /Ready to accept connections/,
    stopSignal: STOP_SIGNAL,
    readyTimeoutMs: 180_000,
    ...(options.log === undefined ? {} : { log: options.log }),
  });
  return {
    ...server,
    // The docker client passes on every signal but this one, and would leave the container behind.
    signal(signalName) {
      if (signalName === 'SIGKILL' || signalName === 'SIGSTOP') spawnSync('docker', ['kill', '-s', signalName, name]);
      else server.signal(signalName);
    },
  };
}

/**
 * Starts a Redis of its own on 127.0.0.1, with `maxmemory-policy noeviction`, and resolves when it takes connections.
 * @throws Error when no Redis can be had on this machine (the message says what to do), or another living run holds
 * `dataDir`.
 */
export async function startRedis(options: StartRedisOptions): Promise<EmbeddedServer> {
  const dataDir = resolve(options.dataDir);
  const command = await findRedis({
    cacheDir: options.cacheDir ?? repositoryCacheDir(),
    env: process.env,
    log: options.log ?? (() => undefined),
  });
  const lock = await lockDataDir(dataDir, STOP_SIGNAL);
  await mkdir(dataDir, { recursive: true });
  return embeddedServer({
    dataDir,
    port: options.port,
    lock,
    url: (port) => `redis://127.0.0.1:${port}`,
    isTransient: () => false,
    launch: (port) =>
      command.kind === 'binary'
        ? launchBinary(command, port, dataDir, options)
        : launchContainer(command, port, dataDir, options),
  });
}
