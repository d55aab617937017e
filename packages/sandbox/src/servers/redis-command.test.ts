import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findRedis } from './redis-command.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queue-service-find-redis-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A folder for PATH with a program that only says its version. */
async function withProgram(program: string, version: string): Promise<string> {
  const bin = join(folder, `${program}-${version}`);
  await mkdir(bin);
  await writeFile(join(bin, program), `#!/bin/sh\necho "Server v=${version} sha=00000000:0"\n`);
  await chmod(join(bin, program), 0o755);
  return bin;
}

function search(...path: string[]) {
  return findRedis({ cacheDir: join(folder, 'cache'), env: { PATH: path.join(':') }, log: () => undefined });
}

test('a Redis on PATH is used', async () => {
  const bin = await withProgram('redis-server', '7.2.4');
  expect(await search(bin)).toMatchObject({ kind: 'binary', file: join(bin, 'redis-server') });
});

test('a Valkey on PATH is as good', async () => {
  const bin = await withProgram('valkey-server', '8.0.1');
  expect(await search(bin)).toMatchObject({ kind: 'binary', file: join(bin, 'valkey-server') });
});

test('one that is too old is passed over for the next on PATH', async () => {
  const old = await withProgram('redis-server', '5.0.14');
  const fresh = await withProgram('redis-server', '6.2.0');
  expect(await search(old, fresh)).toMatchObject({ file: join(fresh, 'redis-server') });
});

test('without any way to a Redis the error says what can be done', async () => {
  const nothing = join(folder, 'nothing');
  await mkdir(nothing);
  await expect(search(nothing)).rejects.toThrow(
    /No Redis found[\s\S]*REDIS_URL[\s\S]*brew install redis[\s\S]*apt-get install redis-server[\s\S]*start Docker[\s\S]*no apt-get/,
  );
});
