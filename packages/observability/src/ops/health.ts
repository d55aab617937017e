import type { Logger } from '../logger/create-logger.ts';
import { within } from '../time/within.ts';

/**
 * Asks one dependency whether it can be used: resolves or rejects. A string it resolves to is shown in the report.
 * `signal` aborts when nobody waits for the answer any more.
 */
export type HealthCheck = (signal: AbortSignal) => Promise<unknown>;

export type HealthStatus = 'healthy' | 'unhealthy';

/** The body of a health answer. */
export interface HealthReport {
  readonly status: HealthStatus;
  readonly checks: Readonly<Record<string, { readonly status: HealthStatus; readonly detail?: string }>>;
  /** ISO 8601. */
  readonly timestamp: string;
}

export interface Health {
  /** Runs all checks at the same time. Never rejects, and takes no longer than the time limit. */
  report(): Promise<HealthReport>;
  /** From now on every report is unhealthy, so that no new work is sent here while the process finishes. */
  startDraining(): void;
}

export interface HealthOptions {
  /** By name, as it appears in the report. */
  readonly checks: Readonly<Record<string, HealthCheck>>;
  /** Time limit of each check, in ms. Default 2000: less than what probes usually wait. */
  readonly timeoutMs?: number | undefined;
  /** Told why a check failed; the report itself only says how, because it is public. */
  readonly log?: Logger | undefined;
  readonly now?: (() => Date) | undefined;
}

type CheckResult = HealthReport['checks'][string];

/**
 * Health of a process by its dependencies, for `/health/ready` and the API's own routes. A check that hangs is not started a second
 * time: probes every few seconds against a dead database must not pile up connections. The log hears of a check when it begins to fail and
 * when it passes again, not at every probe.
 */
export function createHealth(options: HealthOptions): Health {
  const { checks, timeoutMs = 2_000, log, now = () => new Date() } = options;
  const running = new Map<string, Promise<CheckResult>>();
  const failing = new Set<string>();
  let draining = false;

  function failed(name: string, detail: string, error?: unknown): CheckResult {
    if (!failing.has(name)) log?.warn({ err: error, check: name, detail }, 'A health check fails');
    failing.add(name);
    return { status: 'unhealthy', detail };
  }

  async function run(name: string, check: HealthCheck, signal: AbortSignal): Promise<CheckResult> {
    try {
      const detail = await check(signal);
      if (failing.delete(name)) log?.info({ check: name }, 'A health check passes again');
      return typeof detail === 'string' ? { status: 'healthy', detail } : { status: 'healthy' };
    } catch (error) {
      return failed(name, publicReason(error), error);
    }
  }

  async function resultOf(name: string, check: HealthCheck): Promise<CheckResult> {
    const abort = new AbortController();
    let result = running.get(name);
    if (!result) {
      result = run(name, check, abort.signal);
      running.set(name, result);
      void result.then(() => running.delete(name));
    }
    const inTime = await within(timeoutMs, result);
    if (inTime) return inTime;
    abort.abort();
    return failed(name, `no answer within ${timeoutMs} ms`);
  }

  async function report(): Promise<HealthReport> {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await resultOf(name, check)] as const),
    );
    if (draining) results.push(['process', { status: 'unhealthy', detail: 'is shutting down' }]);
    const healthy = results.every(([, { status }]) => status === 'healthy');
    return {
      status: healthy ? 'healthy' : 'unhealthy',
      checks: Object.fromEntries(results),
      timestamp: now().toISOString(),
    };
  }

  return {
    report,
    startDraining: () => {
      draining = true;
    },
  };
}

/** Only a code: a message may name hosts, users and values. */
function publicReason(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[\w.-]{1,60}$/.test(code) ? code : error.name;
}
