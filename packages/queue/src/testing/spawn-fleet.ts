import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { FleetProcessConfig } from './fleet-process.ts';

export interface FleetProcess {
  readonly child: ChildProcess;
  /** Every line it has written: its log, and `{began, what}` of each handler. */
  readonly lines: Record<string, unknown>[];
  readonly exited: Promise<number | null>;
}

/** A worker process that is really another process. */
export function spawnFleet(config: FleetProcessConfig): FleetProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fleet-process.ts'), JSON.stringify(config)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Types are stripped once, not at each start.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'queue-service-fleet-process') },
  });
  const lines: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
    lines.push(JSON.parse(line) as Record<string, unknown>),
  );
  return { child, lines, exited: once(child, 'exit').then(([code]) => code as number | null) };
}
