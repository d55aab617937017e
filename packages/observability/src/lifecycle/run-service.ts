import { flushLogger, type Logger } from '../logger/create-logger.ts';
import { createShutdown, type ProcessLike, type Shutdown } from './shutdown.ts';

export interface ServiceOptions {
  /** Name of the process, for its log. */
  readonly name: string;
  readonly log: Logger;
  /** Time for everything in hand to finish, in ms (`SHUTDOWN_GRACE_MS`). */
  readonly graceMs: number;
  /** The global `process`. */
  readonly process: ProcessLike;
  readonly signals?: readonly string[] | undefined;
  /** Opens the parts in their order, each registered with `shutdown` as soon as it is open. Resolves when the service is ready. */
  readonly start: (shutdown: Shutdown) => Promise<void>;
}

/**
 * Runs a service for the life of its process: starts it, and closes it in order on a signal, an error nobody caught, or a start that
 * failed (then with exit code 1). A signal during the start aborts `shutdown.signal`, on which `start` may reject; that is no failure.
 */
export async function runService(options: ServiceOptions): Promise<Shutdown> {
  const { name, log, graceMs, process, signals } = options;
  const shutdown = createShutdown({ log, graceMs, process, signals, beforeExit: () => flushLogger(log) });
  shutdown.listen();
  const startedMs = performance.now();
  try {
    await options.start(shutdown);
    if (!shutdown.signal.aborted)
      log.info({ startMs: Math.round(performance.now() - startedMs) }, `${name} is running`);
  } catch (error) {
    if (shutdown.signal.aborted) return shutdown;
    log.fatal({ err: error }, `${name} could not start`);
    await shutdown.shutdown('start failed', 1);
  }
  return shutdown;
}
