import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { dieWithThisProcess } from './die-with-this-process.ts';

export interface LaunchOptions {
  /** For messages: `PostgreSQL`, `Redis`. */
  name: string;
  file: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
  /** The line by which the server says that it takes connections. */
  ready: RegExp;
  /** Asks the server to stop cleanly. */
  stopSignal: NodeJS.Signals;
  log?: (line: string) => void;
  /** Default 60_000: a recovery after kill -9 of a large directory takes its time. */
  readyTimeoutMs?: number;
}

export interface ServerProcess {
  readonly pid: number;
  /** Whether the process still runs. */
  running(): boolean;
  /** Stops cleanly; after 10 s with SIGKILL. */
  stop(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Resolves when the process is gone, for whatever reason. */
  exited(): Promise<void>;
}

/** The server ended before it was ready. `output` holds its last lines. */
export class ServerStartError extends Error {
  readonly output: string;
  constructor(message: string, output: string) {
    super(`${message}\n${output}`);
    this.name = 'ServerStartError';
    this.output = output;
  }
}

/** Starts a server process and resolves when it says that it is ready. */
export async function launch(options: LaunchOptions): Promise<ServerProcess> {
  const { name, stopSignal } = options;
  const child = spawn(options.file, options.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its own process group: Ctrl-C in a terminal must reach the services first and the servers they need last.
    detached: true,
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  const pid = child.pid ?? 0;
  dieWithThisProcess(child, stopSignal);
  const last: string[] = [];
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  await new Promise<void>((resolve, reject) => {
    const timeout = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new ServerStartError(`${name} was not ready in time`, last.join('\n')));
    }, options.readyTimeoutMs ?? 60_000);
    const settle = (act: () => void) => {
      clearTimeout(timeout);
      act();
    };
    child.once('error', (error) => settle(() => reject(new ServerStartError(`${name}: ${error.message}`, ''))));
    child.once('close', (code, by) =>
      settle(() => reject(new ServerStartError(`${name} ended (${by ?? code}) before it was ready`, last.join('\n')))),
    );
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        last.push(line);
        if (last.length > 30) last.shift();
        options.log?.(line);
        if (options.ready.test(line)) settle(resolve);
      });
    }
  });
  const running = () => child.exitCode === null && child.signalCode === null;
  // A server must not keep a finished program alive (the guard ends it then), except while somebody waits for its end.
  child.unref();
  for (const stream of [child.stdout, child.stderr]) (stream as unknown as { unref(): void }).unref();
  return {
    pid,
    running,
    exited() {
      child.ref();
      return exited;
    },
    signal(signalName) {
      if (running()) child.kill(signalName);
    },
    async stop() {
      if (!running()) return;
      child.ref();
      child.kill('SIGCONT');
      child.kill(stopSignal);
      const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(hard);
    },
  };
}
