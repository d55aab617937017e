/** From so many crashes on, a job runs in a process that does nothing else meanwhile. */
const aloneFrom = 2;

/** Who has to wait comes back one after the other, so that the suspects of a large process do not all meet each time. */
const apartMs = 25;
const longestWaitMs = 2_500;

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
   * Asks for leave to run; who never crashed gets its answer at once.
   */
  enter(crashes: number): Leave | Promise<Leave>;
}

/** What to call at the end; or, when the job has to wait without being held here, for how many milliseconds. */
export type Leave = (() => void) | number;

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
  let refused = 0;
  let emptied: (() => void) | null = null;

  const leave = (wasSuspect: boolean) => () => {
    inside -= 1;
    if (wasSuspect) {
      suspect = false;
      refused = 0;
    }
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

  const refuse = () => {
    refused += 1;
    return Math.min(refused * apartMs, longestWaitMs);
  };

  const enterAlone = async (): Promise<Leave> => {
    suspect = true;
    alone = true;
    parts.pause();
    const release = () => {
      suspect = false;
      alone = false;
      refused = 0;
      parts.resume();
    };
    if (await drained()) return release;
    release();
    return longestWaitMs;
  };

  return {
    enter: (crashes) => {
      if (alone || (crashes > 0 && suspect)) return refuse();
      if (crashes >= aloneFrom) return enterAlone();
      if (crashes > 0) suspect = true;
      inside += 1;
      return leave(crashes > 0);
    },
  };
}
