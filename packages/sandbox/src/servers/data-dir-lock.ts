import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { processIdentity } from './process-identity.ts';

interface Holder {
  pid: number;
  identity: string;
}

interface LockFile {
  owner: Holder;
  server?: Holder;
}

export interface DataDirLock {
  /** Remembers which server process works on the directory, so that a later run can stop it if this one is killed. */
  recordServer(pid: number): Promise<void>;
  release(): Promise<void>;
}

async function holder(pid: number): Promise<Holder> {
  return { pid, identity: (await processIdentity(pid)) ?? `${pid}` };
}

async function isAlive(who: Holder): Promise<boolean> {
  return (await processIdentity(who.pid)) === who.identity;
}

async function readLock(path: string): Promise<LockFile | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as LockFile;
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function waitUntilGone(who: Holder, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (await isAlive(who)) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return true;
}

/**
 * Takes a data directory for this process. A server that a killed earlier run left behind is stopped first, so that two
 * servers never write the same files.
 * @param stopSignal asks that server to stop cleanly; after 10 s it gets SIGKILL.
 * @throws Error when another run that is still alive holds the directory.
 */
export async function lockDataDir(dataDir: string, stopSignal: NodeJS.Signals): Promise<DataDirLock> {
  const path = `${dataDir}.lock`;
  await mkdir(dirname(path), { recursive: true });
  const mine: LockFile = { owner: await holder(process.pid) };
  for (;;) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(JSON.stringify(mine));
      await file.close();
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const found = await readLock(path);
      if (found !== undefined && (await isAlive(found.owner))) {
        throw new Error(`${dataDir} is in use by process ${found.owner.pid}; stop that one first`);
      }
      if (found?.server !== undefined && (await isAlive(found.server))) {
        signal(found.server.pid, stopSignal);
        if (!(await waitUntilGone(found.server, 10_000))) {
          signal(found.server.pid, 'SIGKILL');
          await waitUntilGone(found.server, 10_000);
        }
      }
      await rm(path, { force: true });
    }
  }
  return {
    async recordServer(pid) {
      await writeFile(path, JSON.stringify({ ...mine, server: await holder(pid) } satisfies LockFile));
    },
    async release() {
      await rm(path, { force: true });
    },
  };
}
