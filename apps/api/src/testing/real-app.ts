import { createLogger, createMetrics, Secret } from '@queue-service/observability';
import { createJobEventListener, openRuntime, type Runtime, type RuntimeConfig } from '@queue-service/queue';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import type { Express } from 'express';
import { vi } from 'vitest';
import { createAdmin } from '../admin/admin.ts';
import type { AppParts } from '../app.ts';
import { cachedJobs, createCaches } from '../cache/caches.ts';
import { createEventStreams } from '../events/event-streams.ts';
import { flowsPort } from '../flows-port.ts';
import { openRateLimits } from '../rate-limit/open-rate-limits.ts';
import { jobEventRoutes } from '../routes/job-events.ts';
import { type OperatorParts, operatorRoutes } from '../routes/operator.ts';
import { testApp } from './test-app.ts';

export interface RealApp {
  readonly app: Express;
  readonly parts: AppParts;
  readonly runtime: Runtime;
  /** For workers of the same queues. */
  readonly config: RuntimeConfig & { WORKER_CONCURRENCY: number };
  close(): Promise<void>;
}

/** The app over a runtime with a PostgreSQL database and a Redis prefix of its own. */
export async function realApp(more: Partial<OperatorParts> = {}): Promise<RealApp> {
  const log = createLogger({ service: 'test', level: 'silent' });
  const { url } = await useDatabase();
  const { prefix, url: redis } = usePrefix();
  const config = {
    DATABASE_URL: new Secret(url),
    DATABASE_POOL_SIZE: 5,
    PAYLOAD_ENCRYPTION_KEYS: [{ id: 'k', key: Buffer.alloc(32, 7) }],
    REDIS_URL: new Secret(redis),
    QUEUE_PREFIX: prefix,
    WORKER_CONCURRENCY: 2,
    RATE_LIMIT_PRINCIPAL_PER_MINUTE: 6_000,
    RATE_LIMIT_TENANT_PER_MINUTE: 30_000,
  };
  const runtime = openRuntime({ config, applicationName: 'test', log });
  await vi.waitFor(() => {
    for (const { redis: connection } of runtime.connections.all) {
      if (connection.status !== 'ready') throw new Error('Redis is not ready');
    }
  });
  const metrics = createMetrics({ service: 'api' });
  const rateLimits = openRateLimits({ config, runtime, metrics, log });
  const caches = createCaches({ nowMs: Date.now, metrics });
  const listener = createJobEventListener(runtime.connections, log);
  const streams = createEventStreams({ listener, jobs: runtime.reader, nowMs: Date.now });
  const { app, parts } = testApp({
    metrics,
    rateLimit: rateLimits.rateLimit,
    producer: runtime.producer,
    jobs: cachedJobs(runtime.reader, caches),
    flows: flowsPort(runtime),
    operatorRoutes: [
      ...operatorRoutes({ runtime, log, caches, ...more }),
      ...rateLimits.routes,
      ...jobEventRoutes(streams, runtime.reader),
    ],
    admin: createAdmin({ runtime, config, log }),
  });
  const close = async () => {
    streams.close();
    listener.close();
    rateLimits.close();
    await runtime.close();
  };
  return { app, parts, runtime, config, close };
}
