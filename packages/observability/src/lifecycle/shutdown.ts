import type { Logger } from '../logger/create-logger.ts';
import { type Closer, runClosers } from './closers.ts';

/** The part of `process` that a lifecycle needs, so that tests can stand in for it. */
export interface ProcessLike {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  exit(code: number): void;
}

export interface ShutdownOptions {
  readonly log: Logger;
  /** Time for everything in hand to finish, in ms (`SHUTDOWN_GRACE_MS`). Kubernetes must wait longer than this. */
  readonly graceMs: number;
  readonly process: ProcessLike;
  /** Signals that end the process. Default SIGTERM and SIGINT. */
  readonly signals?: readonly string[] | undefined;
  /** Called last before the process exits, e.g. `() => flushLogger(log)`. */
  readonly beforeExit?: (() => Promise<void>) | undefined;
}

export interface Shutdown {
  /** Aborts when the shutdown begins: loops stop taking on new work. */
  readonly signal: AbortSignal;
  /**
   * Registers what has to be closed. Closers run in reverse order: what was opened last is closed first. What is
   * registered after the shutdown began (a start that was interrupted) is closed at once.
   */
  register(name: string, close: () => unknown, options?: { timeoutMs?: number }): void;
  /** From now on signals and errors nobody caught end the process in order. Returns a function that undoes this. */
  listen(): () => void;
  /** Closes everything and exits: 0 if all was closed in time, else 1. Called again, it waits for the same shutdown. */
  shutdown(reason: string, exitCode?: number): Promise<void>;
}

const SIGNALS = ['SIGTERM', 'SIGINT'];
const CRASHES = ['uncaughtException', 'unhandledRejection'];
const BEFORE_EXIT_MS = 1_000;

/**
 * The orderly end of a process. SIGTERM and SIGINT close everything registered and exit with 0 once all is drained, or with 1
 * if the grace ran out, naming what hung. A second signal changes nothing: forcing the end of a money worker is for `kill -9`,
 * which the service survives but does not hurry. An error nobody caught leaves the state unknown, so the process drains and exits with 1.
 */
export function createShutdown(options: ShutdownOptions): Shutdown {
  const { log, graceMs, process, signals = SIGNALS } = options;
  const closers: Closer[] = [];
  const abort = new AbortController();
  let underWay: Promise<void> | undefined;
  let exitCode = 0;

  async function closeAndExit(reason: string): Promise<void> {
    const startedMs = performance.now();
    log.info({ reason, graceMs, closers: closers.length }, 'Shutting down');
    abort.abort(new Error(`Shutting down: ${reason}`));
    const unfinished = await runClosers(closers.toReversed(), graceMs, log);
    const durationMs = Math.round(performance.now() - startedMs);
    if (unfinished.length > 0) {
      exitCode ||= 1;
      log.error({ unfinished, durationMs, exitCode }, `Shut down without ${unfinished.join(', ')}`);
    } else {
      log.info({ durationMs, exitCode }, 'Shut down');
    }
    await lastWords(options.beforeExit);
    process.exit(exitCode);
  }

  function shutdown(reason: string, code = 0): Promise<void> {
    exitCode ||= code;
    // Not in this tick: a closer that ends up here again must find that the shutdown is under way.
    underWay ??= Promise.resolve().then(() => closeAndExit(reason));
    return underWay;
  }

  function onSignal(signal: string): void {
    if (underWay) log.info({ signal }, 'Already shutting down; waiting for what is in hand');
    void shutdown(signal);
  }

  function onCrash(event: string, error: unknown): void {
    log.fatal({ err: error, event }, 'An error was not caught');
    void shutdown(event, 1);
  }

  function register(name: string, close: () => unknown, { timeoutMs = graceMs } = {}): void {
    const closer = { name, close, timeoutMs };
    if (underWay) void runClosers([closer], graceMs, log);
    else closers.push(closer);
  }

  function listen(): () => void {
    const listeners = [
      ...signals.map((signal) => [signal, () => onSignal(signal)] as const),
      ...CRASHES.map((event) => [event, (error: unknown) => onCrash(event, error)] as const),
    ];
    for (const [event, listener] of listeners) process.on(event, listener);
    return () => {
      for (const [event, listener] of listeners) process.off(event, listener);
    };
  }

  return {
    signal: abort.signal,
    register,
    listen,
    shutdown,
  };
}

/** The process ends even if its last words cannot be written. */
async function lastWords(beforeExit: (() => Promise<void>) | undefined): Promise<void> {
  if (!beforeExit) return;
  const limit = new Promise<void>((resolve) => setTimeout(resolve, BEFORE_EXIT_MS).unref());
  await Promise.race([beforeExit().catch(() => undefined), limit]);
}
