import { createHealth, createLogger, createMetrics, type HealthCheck, Secret } from '@queue-service/observability';
import type { Express } from 'express';
import { type AppParts, createApp, tableOf } from '../app.ts';
import { checked } from './answer-check.ts';
import { InMemoryPorts } from './in-memory-ports.ts';
import { secretKey } from './tokens.ts';

export const METRICS_TOKEN = 'metrics-token-of-tests-only';

export interface TestApp {
  readonly app: Express;
  readonly parts: AppParts;
  readonly ports: InMemoryPorts;
  /** Lines of the log, parsed. */
  readonly logged: () => Record<string, unknown>[];
  /** By name, replaced at will. */
  readonly checks: Record<string, HealthCheck>;
}

/** The app over {@link InMemoryPorts}, trusting tokens signed with the secret of the tests. */
export function testApp(changes: Partial<AppParts> = {}): TestApp {
  const ports = new InMemoryPorts();
  const lines: string[] = [];
  const healthy = async () => undefined;
  const checks: Record<string, HealthCheck> = { service: healthy, database: healthy, redis: healthy, queues: healthy };
  const asConfigured = Object.fromEntries(
    Object.keys(checks).map((name) => [name, (signal: AbortSignal) => (checks[name] ?? healthy)(signal)]),
  );
  const parts: AppParts = {
    producer: ports.producer,
    jobs: ports.jobs,
    flows: ports.flows,
    health: createHealth({ checks: asConfigured }),
    readiness: createHealth({ checks: asConfigured }),
    log: createLogger({ service: 'api', level: 'info', destination: { write: (line) => lines.push(line) } }),
    metrics: createMetrics({ service: 'api' }),
    trust: { key: secretKey, algorithms: ['HS256'], recheckAfterMs: Number.POSITIVE_INFINITY },
    metricsToken: new Secret(METRICS_TOKEN),
    bodyLimitBytes: 1_024 * 1_024,
    moneyBodyLimitBytes: 64 * 1_024,
    version: '1.2.3',
    ...changes,
  };
  return {
    app: checked(createApp(parts), tableOf(parts)),
    parts,
    ports,
    checks,
    logged: () => lines.map((line) => JSON.parse(line)),
  };
}
