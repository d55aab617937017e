import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type FindRedisOptions, runsAsRedis } from './redis-command.ts';

const execute = promisify(execFile);

type Run = (file: string, args: string[], cwd?: string) => Promise<{ stdout: string }>;

function runner(env: NodeJS.ProcessEnv): Run {
  // Package lists are long; apt's messages must be in English for the reason that is passed on.
  return (file, args, cwd) =>
    execute(file, args, {
      env: { ...env, LC_ALL: 'C' },
      maxBuffer: 64 * 1024 * 1024,
      ...(cwd === undefined ? {} : { cwd }),
    });
}

type Found = { found: true; file: string; env: NodeJS.ProcessEnv } | { found: false; reason: string };

/** apt told to keep its lists and packages in folders of our own: this works without root and changes no system state. */
function aptOptions(state: string): string[] {
  return [
    '-q',
    '-o',
    `Dir::State=${join(state, 'state')}`,
    '-o',
    'Dir::State::status=/var/lib/dpkg/status',
    '-o',
    `Dir::Cache=${join(state, 'cache')}`,
    '-o',
    'APT::Sandbox::User=root',
    '-o',
    'Acquire::Languages=none',
  ];
}

async function isInstalled(run: Run, name: string): Promise<boolean> {
  try {
    const { stdout } = await run('dpkg-query', ['--status', name]);
    return /^Status: .* installed$/m.test(stdout);
  } catch {
    return false;
  }
}

async function directDependencies(run: Run, name: string, options: string[]): Promise<string[]> {
  const { stdout } = await run('apt-cache', [...options, 'show', '--no-all-versions', name]);
  const depends = /^Depends: (.*)$/m.exec(stdout)?.[1] ?? '';
  return depends.split(',').flatMap((one) => /^\s*([a-z0-9][a-z0-9+.-]*)/.exec(one)?.[1] ?? []);
}

/** `redis-tools` and the shared libraries it needs that this machine lacks. */
async function packagesToFetch(run: Run, options: string[]): Promise<string[]> {
  const wanted = ['redis-tools'];
  for (const name of wanted) {
    for (const dependency of await directDependencies(run, name, options)) {
      // libc comes with the system that runs Node; one from elsewhere would not match its loader.
      if (!dependency.startsWith('lib') || dependency.startsWith('libc6') || wanted.includes(dependency)) continue;
      if (!(await isInstalled(run, dependency))) wanted.push(dependency);
    }
  }
  return wanted;
}

async function libraryFolders(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return [...new Set(entries.filter((e) => /\.so(\.|$)/.test(e.name)).map((e) => e.parentPath))];
}

async function asFound(root: string, base: NodeJS.ProcessEnv): Promise<Found> {
  const file = join(root, 'usr', 'bin', 'redis-server');
  const env = {
    ...base,
    LD_LIBRARY_PATH: [...(await libraryFolders(root)), base['LD_LIBRARY_PATH']].filter(Boolean).join(':'),
  };
  if (await runsAsRedis(file, env)) return { found: true, file, env };
  return { found: false, reason: `${file} does not run here` };
}

async function fetchInto(run: Run, root: string, log: (line: string) => void): Promise<void> {
  await mkdir(dirname(root), { recursive: true });
  const work = await mkdtemp(`${root}.fetch-`);
  try {
    for (const folder of ['state/lists/partial', 'cache/archives/partial', 'root', 'debs']) {
      await mkdir(join(work, folder), { recursive: true });
    }
    log('fetching Redis from the Debian archive');
    // The system's lists may be missing (slim images) or too old to download by, so the first try uses them as they are.
    let options = ['-q'];
    const download = async () =>
      run('apt-get', [...options, 'download', ...(await packagesToFetch(run, options))], join(work, 'debs'));
    try {
      await download();
    } catch {
      options = aptOptions(work);
      log('fetching the Debian package lists');
      await run('apt-get', [...options, 'update']);
      await download();
    }
    for (const deb of await readdir(join(work, 'debs'))) {
      if (deb.endsWith('.deb')) await run('dpkg', ['-x', join(work, 'debs', deb), join(work, 'root')]);
    }
    // redis-server is this same program; it decides by the name it is called by.
    const bin = join(work, 'root', 'usr', 'bin');
    await symlink('redis-check-rdb', join(bin, 'redis-server'));
    await rename(join(work, 'root'), root).catch(async (error: NodeJS.ErrnoException) => {
      // Another process was faster; its copy is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
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
    await fetchInto(runner(env), root, log);
    return await asFound(root, env);
  } catch (error) {
    const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === 'ENOENT') return { found: false, reason: 'this system has no apt-get' };
    return { found: false, reason: (stderr ?? message).trim().split('\n').slice(0, 3).join('; ') };
  }
}
