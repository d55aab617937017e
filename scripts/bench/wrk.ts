import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  libraryFolders,
  repositoryCacheDir,
  unpackDebianPackages,
  unpackFailure,
} from '../../packages/sandbox/src/servers/index.ts';

const run = promisify(execFile);

interface Program {
  file: string;
  env: NodeJS.ProcessEnv;
}

/** wrk, from PATH or as Debian's package has it; a reason where it cannot be had. */
export async function findWrk(): Promise<Program | string> {
  const env = { PATH: process.env['PATH'] ?? '' };
  const inPath = env.PATH.split(':').find((folder) => existsSync(join(folder, 'wrk')));
  if (inPath !== undefined) return { file: join(inPath, 'wrk'), env };
  const root = join(repositoryCacheDir(), 'wrk');
  try {
    if (!existsSync(root)) {
      await unpackDebianPackages({ names: ['wrk'], withLibraries: true, root, env: process.env, log: () => {} });
    }
    return {
      file: join(root, 'usr/bin/wrk'),
      env: { ...env, LD_LIBRARY_PATH: (await libraryFolders(root)).join(':') },
    };
  } catch (error) {
    return unpackFailure(error);
  }
}

/** Posts one body again and again. @throws when one is not accepted */
export async function postWithWrk(
  wrk: Program,
  given: { url: string; body: string; headers: Record<string, string>; connections: number; seconds: number },
): Promise<{ count: number; seconds: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'queue-service-wrk-'));
  try {
    const script = join(folder, 'post.lua');
    const headers = Object.entries(given.headers).map(
      ([name, value]) => `wrk.headers[ ${quoted(name)} ] = ${quoted(value)}`,
    );
    await writeFile(script, ['wrk.method = "POST"', `wrk.body = ${quoted(given.body)}`, ...headers].join('\n'));
    const args = ['-t1', `-c${given.connections}`, `-d${given.seconds}s`, '-s', script, given.url];
    const { stdout } = await run(wrk.file, args, { env: wrk.env });
    const trouble = /^ {2}(?:Socket errors|Non-2xx).*$/m.exec(stdout)?.[0];
    if (trouble !== undefined) throw new Error(`Not all requests were accepted: ${trouble.trim()}`);
    const [, count, seconds] = /^ {2}(\d+) requests in ([\d.]+)s/m.exec(stdout) ?? [];
    if (count === undefined || seconds === undefined) throw new Error(`wrk printed no figures:\n${stdout}`);
    return { count: Number(count), seconds: Number(seconds) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** As Lua writes a text without escapes. */
function quoted(text: string): string {
  return `[==[${text}]==]`;
}
