import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { redisFromDebian } from './redis-debian.ts';

const run = promisify(execFile);

/** How a Redis server is started on this machine. */
export type RedisCommand =
  | { kind: 'binary'; file: string; env: NodeJS.ProcessEnv; from: string }
  | { kind: 'docker'; image: string; from: string };

export interface FindRedisOptions {
  /** Where a fetched Redis is kept. */
  cacheDir: string;
  /** Gives PATH, and becomes the server's environment. */
  env: NodeJS.ProcessEnv;
  log(line: string): void;
}

const NAMES = ['redis-server', 'valkey-server'];
const HOMEBREW = ['/opt/homebrew', '/usr/local', '/home/linuxbrew/.linuxbrew'];
/** `XADD … MINID`, `GETDEL` and `COPY`, which BullMQ's scripts count on. */
const OLDEST = [6, 2] as const;
const DOCKER_IMAGE = 'redis:7.4-alpine';

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Whether the program runs here and is new enough. */
export async function runsAsRedis(file: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    const { stdout } = await run(file, ['--version'], { env });
    const version = /v=(\d+)\.(\d+)/.exec(stdout);
    if (version === null) return false;
    const [major, minor] = [Number(version[1]), Number(version[2])];
    return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  } catch {
    return false;
  }
}

async function firstThatRuns(files: string[], env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const file of files) {
    if ((await isExecutable(file)) && (await runsAsRedis(file, env))) return file;
  }
  return undefined;
}

async function dockerAnswers(env: NodeJS.ProcessEnv): Promise<boolean> {
  return run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeout: 10_000, env }).then(
    () => true,
    () => false,
  );
}

/**
 * Finds a Redis: on PATH, then the Debian package unpacked into `cacheDir` (no root needed), then Homebrew, then Docker.
 * `REDIS_URL` comes before all of these and is the caller's matter.
 * @throws Error that says what to install when there is none.
 */
export async function findRedis(options: FindRedisOptions): Promise<RedisCommand> {
  const { env } = options;
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const onPath = await firstThatRuns(
    NAMES.flatMap((name) => folders.map((folder) => join(folder, name))),
    env,
  );
  if (onPath !== undefined) return { kind: 'binary', file: onPath, env, from: onPath };

  const debian = await redisFromDebian(options);
  if (debian.found)
    return { kind: 'binary', file: debian.file, env: debian.env, from: 'the Debian package redis-tools' };

  const brewed = await firstThatRuns(
    HOMEBREW.flatMap((prefix) =>
      ['bin', 'opt/redis/bin', 'opt/valkey/bin'].flatMap((folder) => NAMES.map((name) => join(prefix, folder, name))),
    ),
    env,
  );
  if (brewed !== undefined) return { kind: 'binary', file: brewed, env, from: 'Homebrew' };

  if (await dockerAnswers(env)) return { kind: 'docker', image: DOCKER_IMAGE, from: `Docker (${DOCKER_IMAGE})` };

  throw new Error(
    [
      'No Redis found. Do one of these and start again:',
      '  - set REDIS_URL to a Redis 6.2 or newer',
      '  - macOS: brew install redis',
      '  - Debian or Ubuntu: apt-get install redis-server',
      '  - start Docker',
      `(The Debian package could not be fetched: ${debian.reason})`,
    ].join('\n'),
  );
}
