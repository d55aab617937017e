import type { LocalCertificate } from './certificate.ts';
import { SandboxClock } from './clock.ts';
import { type Hosted, host } from './host.ts';

export interface StandaloneOptions {
  /** 0, the default, takes a free port of 127.0.0.1. */
  port?: number;
  /** A JSON file that keeps the state over restarts. */
  statePath?: string;
  clock?: SandboxClock;
  /** Listens by HTTPS too. */
  certificate?: LocalCertificate;
}

/** What a simulator that runs alone has beside its own controls. */
export interface Standalone {
  url: string;
  /** The same by HTTPS, when there is a certificate. */
  secureUrl: string | undefined;
  port: number;
  clock: SandboxClock;
  stop(): Promise<void>;
}

/** Runs one simulator on a port of its own. */
export async function startAlone<P extends Hosted>(
  make: (clock: SandboxClock) => P,
  options: StandaloneOptions,
): Promise<P & Standalone> {
  const clock = options.clock ?? new SandboxClock();
  const provider = make(clock);
  const { port, statePath, certificate } = options;
  const server = await host([provider], { port, statePath, certificate, clock });
  return Object.assign(provider, { ...server, clock });
}
