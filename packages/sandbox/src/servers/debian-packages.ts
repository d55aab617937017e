import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

type Run = (file: string, args: string[], cwd?: string) => Promise<{ stdout: string }>;

export interface UnpackOptions {
  /** Packages to fetch. */
  names: readonly string[];
  /** Whether the shared libraries they need and this machine lacks are fetched too. */
  withLibraries: boolean;
  /** The folder they are unpacked into; it appears only when it is complete. */
  root: string;
  env: NodeJS.ProcessEnv;
  log(line: string): void;
  /** Changes the unpacked tree before it appears. */
  finish?(root: string): Promise<void>;
}

function runner(env: NodeJS.ProcessEnv): Run {
  // Package lists are long; apt's messages must be in English for the reason that is passed on.
  return (file, args, cwd) =>
    execute(file, args, {
      env: { ...env, LC_ALL: 'C' },
      maxBuffer: 64 * 1024 * 1024,
      ...(cwd === undefined ? {} : { cwd }),
    });
}

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

/** The packages and the shared libraries they need that this machine lacks. */
async function packagesToFetch(run: Run, options: string[], names: readonly string[]): Promise<string[]> {
  const wanted = [...names];
  for (const name of wanted) {
    for (const dependency of await directDependencies(run, name, options)) {
      // libc comes with the system that runs Node; one from elsewhere would not match its loader.
      if (!dependency.startsWith('lib') || dependency.startsWith('libc6') || wanted.includes(dependency)) continue;
      if (!(await isInstalled(run, dependency))) wanted.push(dependency);
    }
  }
  return wanted;
}

/**
 * Unpacks packages of Debian's or Ubuntu's archive into a folder, without root and without installing anything.
 * @throws the error of apt-get or dpkg; `ENOENT` where there is no such program.
 */
export async function unpackDebianPackages(unpack: UnpackOptions): Promise<void> {
  const { names, withLibraries, root, env, log } = unpack;
  const run = runner(env);
  await mkdir(dirname(root), { recursive: true });
  const work = await mkdtemp(`${root}.fetch-`);
  try {
    for (const folder of ['state/lists/partial', 'cache/archives/partial', 'root', 'debs']) {
      await mkdir(join(work, folder), { recursive: true });
    }
    // The system's lists may be missing (slim images) or too old to download by, so the first try uses them as they are.
    let options = ['-q'];
    const download = async () => {
      const packages = withLibraries ? await packagesToFetch(run, options, names) : [...names];
      await run('apt-get', [...options, 'download', ...packages], join(work, 'debs'));
    };
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
    await unpack.finish?.(join(work, 'root'));
    await rename(join(work, 'root'), root).catch(async (error: NodeJS.ErrnoException) => {
      // Another process was faster; its copy is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Where an unpacked program's shared libraries are, for `LD_LIBRARY_PATH`. */
export async function libraryFolders(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return [...new Set(entries.filter((e) => /\.so(\.|$)/.test(e.name)).map((e) => e.parentPath))];
}

/** Why packages could not be had, in a line. */
export function unpackFailure(error: unknown): string {
  const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string };
  if (code === 'ENOENT') return 'this system has no apt-get';
  return (stderr ?? message).trim().split('\n').slice(0, 3).join('; ');
}
