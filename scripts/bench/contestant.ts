import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

/** What a contestant measured of itself. */
export interface Measured {
  /** Units of work done: jobs. */
  count: number;
  seconds: number;
  /** CPU of its process, user and system. */
  cpuSeconds: number;
  /** Of its process at the end. */
  rssMiB: number;
  /** Milliseconds from enqueue to start, where that is measured. */
  latenciesMs?: number[];
}

export type Settings = Readonly<Record<string, string | number>>;

const folder = join(import.meta.dirname, 'contestants');

/** Runs a contestant in a process of its own until it has printed its figures. @throws with what it printed */
export async function measure(name: string, settings: Settings): Promise<Measured> {
  const { child, output } = start(name, settings);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const line = output().trimEnd().split('\n').at(-1) ?? '';
  if (code !== 0 || !line.startsWith('{')) throw new Error(`${name} ended with ${code}:\n${output()}`);
  return JSON.parse(line) as Measured;
}

/** A contestant that serves HTTP until it is stopped. */
export async function serve(
  name: string,
  settings: Settings,
): Promise<{
  url: string;
  pid: number;
  output(): string;
  /** From here on it measures. */
  begin(): void;
  stop(): Promise<Measured>;
}> {
  const { child, output } = start(name, settings);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', () => {
      const found = /^listening (\S+)$/m.exec(output())?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then((code) => reject(new Error(`${name} ended with ${code}:\n${output()}`)));
  });
  return {
    url,
    pid: child.pid ?? 0,
    output,
    begin: () => child.kill('SIGTERM'),
    stop: async () => {
      child.kill('SIGTERM');
      // One that was never told to begin waits for a second signal.
      const lost = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(lost);
      return JSON.parse(output().trimEnd().split('\n').at(-1) ?? '{}') as Measured;
    },
  };
}

function start(name: string, settings: Settings): { child: ChildProcess; output: () => string } {
  const env = { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', BENCH: JSON.stringify(settings) };
  const { profile } = settings;
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const child = spawn(process.execPath, [...flags, join(folder, `${name}.ts`)], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => printed.push(chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => printed.push(chunk.toString()));
  return { child, output: () => printed.join('') };
}

/** The settings that the bench gave to this contestant. */
export function settings(): Record<string, string> {
  const given = JSON.parse(process.env['BENCH'] ?? '{}') as Record<string, string | number>;
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
}

/** Measures what `work` does, from here to its end. */
export async function timed(work: () => Promise<number>): Promise<Measured> {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const count = await work();
  const { user, system } = process.cpuUsage(cpu);
  return {
    count,
    seconds: (performance.now() - startedAt) / 1_000,
    cpuSeconds: (user + system) / 1e6,
    rssMiB: Math.round(process.memoryUsage().rss / 1_048_576),
  };
}

/** Times what comes after the first `warm` of `jobs`: engines are slow until they have been compiled. */
export function timedAfter(warm: number, jobs: number): { one(): void; done: Promise<Measured> } {
  let finish: (count: number) => void = () => {};
  let ended: (measured: Measured) => void = () => {};
  const done = new Promise<Measured>((resolve) => {
    ended = resolve;
  });
  let seen = 0;
  const begin = () =>
    void timed(
      () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    ).then(ended);
  if (warm === 0) begin();
  return {
    done,
    one: () => {
      seen += 1;
      if (seen === warm) begin();
      if (seen === jobs) finish(jobs - warm);
    },
  };
}

/** Many latencies are more than a pipe takes at once: who ends the process waits for it. */
export function report(measured: Measured): Promise<void> {
  return new Promise((resolve) => process.stdout.write(`\n${JSON.stringify(measured)}\n`, () => resolve()));
}
