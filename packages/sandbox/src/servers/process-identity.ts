import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * A text that is the same as long as the process lives and never comes back for another process, or `undefined`
 * when no such process runs. A bare pid is not enough: after a reboot, or in a restarted container, the pid in an old
 * lock file belongs to somebody else.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    try {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      // The command name may hold blanks and brackets, so fields are counted from the last bracket.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
      const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
      return `${pid}@${boot}+${fields[19]}`;
    } catch {
      return undefined;
    }
  }
  try {
    const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)]);
    const started = stdout.trim();
    return started === '' ? undefined : `${pid}@${started}`;
  } catch {
    return undefined;
  }
}

/** The executable's short name (`postgres`, `redis-server`), or `undefined` when no such process runs. */
export async function processName(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') return (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
    const { stdout } = await run('ps', ['-o', 'comm=', '-p', String(pid)]);
    return stdout.trim().split('/').pop();
  } catch {
    return undefined;
  }
}
