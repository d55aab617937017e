import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const apps = join(import.meta.dirname, '../../apps');

/** A process of the service that is killed, frozen and started again. Ends only what it started itself. */
export interface Victim {
  readonly name: string;
  readonly running: boolean;
  start(): void;
  /** SIGKILL: no chance to tidy up. */
  kill(): void;
  freeze(): void;
  thaw(): void;
  /** SIGTERM, and waits; SIGKILL after `graceMs`. Answers the exit code. */
  stop(graceMs: number): Promise<number | null>;
  /** What it printed. */
  output(): string;
}

export interface VictimOptions {
  /** Default: the app's name. */
  name?: string;
  /** Modules that are loaded before the app: a skewed clock, a planted fault. */
  preload?: readonly string[];
}

export function createVictim(app: string, env: Record<string, string>, options: VictimOptions = {}): Victim {
  let child: ChildProcess | null = null;
  let frozen = false;
  const printed: string[] = [];
  const signal = (name: NodeJS.Signals) => {
    if (child?.exitCode === null && child.signalCode === null) child.kill(name);
  };
  const victim: Victim = {
    name: options.name ?? app,
    get running() {
      return child !== null && child.exitCode === null && child.signalCode === null;
    },
    start: () => {
      if (victim.running) return;
      frozen = false;
      const preload = (options.preload ?? []).flatMap((file) => ['--import', file]);
      child = spawn(process.execPath, [...preload, join(apps, app, 'src/main.ts')], {
        env: { PATH: process.env['PATH'] ?? '', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (chunk: Buffer) => printed.push(chunk.toString()));
    },
    kill: () => signal('SIGKILL'),
    freeze: () => {
      frozen = true;
      signal('SIGSTOP');
    },
    thaw: () => {
      if (frozen) signal('SIGCONT');
      frozen = false;
    },
    stop: async (graceMs) => {
      const stopping = child;
      if (stopping === null || !victim.running) return stopping?.exitCode ?? null;
      victim.thaw();
      const ended = once(stopping, 'exit');
      stopping.kill('SIGTERM');
      const timer = setTimeout(() => stopping.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(timer);
      return stopping.exitCode;
    },
    output: () => printed.join(''),
  };
  return victim;
}
