import type { DataDirLock } from './data-dir-lock.ts';
import { freeLoopbackPort } from './loopback-port.ts';
import { type ServerProcess, ServerStartError } from './server-process.ts';

/** A server process of this program's own, on 127.0.0.1. Address and data stay the same over `restart()`. */
export interface EmbeddedServer {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  /** Process id of the running server. Changes with `restart()`. */
  readonly pid: number;
  /** Stops cleanly and gives the data directory free. Safe to call twice. */
  stop(): Promise<void>;
  /**
   * Sends a signal. For one that ends the process (default SIGKILL: a crash) it resolves when the process is gone; SIGSTOP and SIGCONT
   * return at once (a server that hangs, and goes on).
   */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and data, stopping it first where it still runs. */
  restart(): Promise<void>;
}

interface Parts {
  dataDir: string;
  /** Fixed port, or `undefined` for any free one. */
  port: number | undefined;
  lock: DataDirLock;
  url(port: number): string;
  launch(port: number): Promise<ServerProcess>;
  /** Whether a failed start is worth another try: the port was taken, or a killed server's children still end. */
  isTransient(output: string): boolean;
}

const PORT_TAKEN = /address already in use/i;
const ATTEMPTS = 20;

async function launchUntilReady(parts: Parts, fixedPort: number | undefined): Promise<[number, ServerProcess]> {
  for (let attempt = 1; ; attempt++) {
    const port = fixedPort ?? (await freeLoopbackPort());
    try {
      return [port, await parts.launch(port)];
    } catch (error) {
      const output = error instanceof ServerStartError ? error.output : '';
      const again = parts.isTransient(output) || (fixedPort === undefined && PORT_TAKEN.test(output));
      if (!again || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

export async function embeddedServer(parts: Parts): Promise<EmbeddedServer> {
  try {
    const [port, first] = await launchUntilReady(parts, parts.port);
    let current = first;
    await parts.lock.recordServer(current.pid);
    return {
      port,
      url: parts.url(port),
      dataDir: parts.dataDir,
      get pid() {
        return current.pid;
      },
      async stop() {
        await current.stop();
        await parts.lock.release();
      },
      async kill(signal = 'SIGKILL') {
        current.signal(signal);
        if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await current.exited();
      },
      async restart() {
        await current.stop();
        [, current] = await launchUntilReady(parts, port);
        await parts.lock.recordServer(current.pid);
      },
    };
  } catch (error) {
    await parts.lock.release();
    throw error;
  }
}
