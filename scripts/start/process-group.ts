import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { dieWithThisProcess } from '../../packages/sandbox/src/servers/index.ts';

export interface ProcessPlan {
  /** Before each of its lines. */
  name: string;
  /** A TypeScript or JavaScript file, run by this Node. */
  entry: string;
  cwd?: string;
  env: NodeJS.ProcessEnv;
  /** Answers 2xx once the process does its work. Without it, the process counts as ready at once. */
  readyUrl?: string;
}

export interface ProcessGroupOptions {
  print(line: string): void;
  /** How long a process may take to end after SIGTERM before it gets SIGKILL. Default 30_000. */
  graceMs?: number;
}

interface Running {
  plan: ProcessPlan;
  child: ChildProcess;
  ended: Promise<string>;
}

const READY_POLL_MS = 100;

/** Processes that live and end together: the end of one that nobody asked for is the end of `failure`'s wait. */
export class ProcessGroup {
  readonly #options: ProcessGroupOptions;
  readonly #running: Running[] = [];
  readonly #failure = Promise.withResolvers<never>();
  #stopping = false;

  constructor(options: ProcessGroupOptions) {
    this.#options = options;
    // Whoever waits gets the rejection; nobody waiting is no error.
    this.#failure.promise.catch(() => undefined);
  }

  /** Never resolves; rejects when a process ends although `stop` was not called. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /** Resolves when the process is ready. Rejects when it ends before that. */
  async start(plan: ProcessPlan): Promise<void> {
    if (this.#stopping) throw new Error(`${plan.name} is not started: the others are stopping`);
    const child = spawn(process.execPath, [plan.entry], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: Ctrl-C in the terminal is for us, and we decide who ends first.
      detached: true,
      env: plan.env,
      ...(plan.cwd === undefined ? {} : { cwd: plan.cwd }),
    });
    dieWithThisProcess(child, 'SIGTERM');
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.#options.print(`${plan.name} │ ${line}`));
    }
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, signal) => resolve(`ended with ${signal ?? code}`));
    });
    this.#running.push({ plan, child, ended });
    void ended.then((how) => {
      if (!this.#stopping) this.#failure.reject(new Error(`${plan.name} ${how}`));
    });
    if (plan.readyUrl !== undefined) await Promise.race([this.#untilReady(plan.readyUrl), this.failure]);
  }

  /** Ends all of them, at the same time, and resolves when the last one is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(
      this.#running.splice(0).map(async ({ plan, child, ended }) => {
        child.kill('SIGTERM');
        const hard = setTimeout(() => {
          this.#options.print(`${plan.name} does not end; killing it`);
          child.kill('SIGKILL');
        }, this.#options.graceMs ?? 30_000);
        await ended;
        clearTimeout(hard);
      }),
    );
  }

  async #untilReady(url: string): Promise<void> {
    while (!this.#stopping) {
      const answer = await fetch(url).catch(() => undefined);
      await answer?.body?.cancel();
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  }
}
