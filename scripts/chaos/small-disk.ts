import { execFile } from 'node:child_process';
import { open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Room that can run out under a server, without touching the disk of the machine. */
export interface SmallDisk {
  /** What runs out: the space of a file system, or, where none may be mounted, the size a process may give a file. */
  readonly kind: 'file system' | 'file size limit';
  /** From now on the server finds no room for more. */
  fill(): Promise<void>;
  free(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param folder where the server will keep its data; empty
 * @param pid of the server, asked for when it matters
 */
export async function smallDisk(folder: string, sizeMb: number, pid: () => number): Promise<SmallDisk> {
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m,mode=755`, 'tmpfs', folder]);
  } catch {
    return fileSizeLimit(pid);
  }
  const ballast = join(folder, 'ballast');
  return {
    kind: 'file system',
    fill: async () => {
      const file = await open(ballast, 'w');
      try {
        const block = Buffer.alloc(64 * 1_024);
        for (;;) await file.write(block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        await file.close();
      }
    },
    free: () => rm(ballast, { force: true }),
    close: async () => void (await run('umount', ['--lazy', folder])),
  };
}

function fileSizeLimit(pid: () => number): SmallDisk {
  const limit = async (bytes: string) => {
    // One may have ended since.
    for (const one of [pid(), ...(await childrenOf(pid()))])
      await run('prlimit', ['--pid', String(one), `--fsize=${bytes}`]).catch(() => {});
  };
  return {
    kind: 'file size limit',
    fill: () => limit('1048576'),
    // Those that the restarted server has are new.
    free: async () => {},
    close: async () => {},
  };
}

async function childrenOf(parent: number): Promise<number[]> {
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const parents = await Promise.all(all.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  return all.filter((_, index) => parents[index]?.split(') ')[1]?.split(' ')[1] === String(parent)).map(Number);
}
