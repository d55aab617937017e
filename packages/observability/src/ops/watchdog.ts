/** Whether the process itself works, without a look at anything outside of it. */
export interface LivenessReport {
  readonly alive: boolean;
  /** What is wrong. */
  readonly detail?: string;
}

/** Answers at once. A process whose event loop stands still does not answer at all, which a probe takes for dead as well. */
export type Liveness = () => LivenessReport;

export interface Watchdog {
  /** Something was done, or there was seen to be nothing to do. */
  beat(): void;
  readonly liveness: Liveness;
}

/**
 * Liveness by progress: not alive once {@link Watchdog.beat} was not called for `maxSilenceMs`. For loops that can stop silently
 * while every connection is open. The loop must beat while it waits for a dependency too: a restart does not bring a database back.
 */
export function createWatchdog(options: { name: string; maxSilenceMs: number; nowMs?: () => number }): Watchdog {
  const { name, maxSilenceMs, nowMs = () => performance.now() } = options;
  let lastMs = nowMs();
  return {
    beat: () => {
      lastMs = nowMs();
    },
    liveness: () => {
      const silentMs = nowMs() - lastMs;
      if (silentMs <= maxSilenceMs) return { alive: true };
      return { alive: false, detail: `${name} has made no progress for ${Math.round(silentMs / 1_000)} s` };
    },
  };
}

/** Alive while all of them are. */
export function allAlive(...parts: readonly Liveness[]): Liveness {
  return () => parts.map((part) => part()).find(({ alive }) => !alive) ?? { alive: true };
}
