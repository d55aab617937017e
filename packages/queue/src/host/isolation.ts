/** From so many crashes on, a job runs in a process that does nothing else meanwhile. */
const aloneFrom = 2;

/** How long a process may be drained for a job that must be alone, in milliseconds. */
const drainMs = 30_000;

/**
 * Keeps a job that kills its worker from taking others with it. All jobs that ran in a process that died are suspects:
 * of them one at a time runs in a process, beside jobs that are not suspected, and one that crashes again, alone. So
 * the innocent end before they are blamed a second time, and nobody is blamed for good without having killed a worker
 * on its own.
 *
 * Does not promise that a first crash spares the others; it uses none of their attempts.
 */
export interface Isolation {
  /**
   * Asks for leave to run.
   * @returns what to call at the end; null when the job has to wait, without being held here
   */
  enter(crashes: number): Promise<(() => void) | null>;
}

export interface IsolationParts {
  /** Stops and starts taking jobs. */
  pause(): void;
  resume(): void;
  drainMs?: number;
}

export function createIsolation(parts: IsolationParts): Isolation {
  let inside = 0;
  let suspect = false;
  let alone = false;
  let emptied: (() => void) | null = null;

  const leave = (wasSuspect: boolean) => () => {
    inside -= 1;
    if (wasSuspect) suspect = false;
    if (inside === 0) emptied?.();
  };

  const drained = async (): Promise<boolean> => {
    if (inside === 0) return true;
    let timer: NodeJS.Timeout | undefined;
    const done = await new Promise<boolean>((resolve) => {
      emptied = () => resolve(true);
      timer = setTimeout(() => resolve(false), parts.drainMs ?? drainMs);
    });
    clearTimeout(timer);
    emptied = null;
    return done;
  };

  return {
    enter: async (crashes) => {
      if (alone || (crashes > 0 && suspect)) return null;
      if (crashes < aloneFrom) {
        if (crashes > 0) suspect = true;
        inside += 1;
        return leave(crashes > 0);
      }
      suspect = true;
      alone = true;
      parts.pause();
      const release = () => {
        suspect = false;
        alone = false;
        parts.resume();
      };
      if (await drained()) return release;
      release();
      return null;
    },
  };
}
