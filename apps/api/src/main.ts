import { createHealth } from '@queue-service/observability';
import { createJobEventListener, dependencyChecks, runProcess, waitForStores } from '@queue-service/queue';
import { openReportStorage } from '@queue-service/report-storage';
import packageJson from '../package.json' with { type: 'json' };
import { createAdmin } from './admin/admin.ts';
import { createApp } from './app.ts';
import { trustOf } from './auth/trust-of-config.ts';
import { cachedJobs, createCaches } from './cache/caches.ts';
import { loadConfig } from './config.ts';
import { createEventStreams } from './events/event-streams.ts';
import { flowsPort } from './flows-port.ts';
import { healthChecks } from './health-checks.ts';
import { createLoadShedding } from './http/load-shedding.ts';
import { listen } from './http/server.ts';
import { providersOf } from './providers-of-config.ts';
import { openRateLimits } from './rate-limit/open-rate-limits.ts';
import { jobEventRoutes } from './routes/job-events.ts';
import { operatorRoutes } from './routes/operator.ts';

const config = loadConfig(process.env);

await runProcess({
  name: 'api',
  config,
  process,
  start: async (parts) => {
    const { log, metrics, runtime, shutdown } = parts;
    const readiness = createHealth({ log, checks: dependencyChecks(runtime) });
    shutdown.signal.addEventListener('abort', () => readiness.startDraining());
    const rateLimits = openRateLimits({ config, runtime, metrics, log });
    shutdown.register('rate limits', async () => rateLimits.close());
    const caches = createCaches({ nowMs: Date.now, metrics });
    const listener = createJobEventListener(runtime.connections, log);
    const streams = createEventStreams({ listener, jobs: runtime.reader, nowMs: Date.now });
    shutdown.register('job events', async () => listener.close());
    // Streams have no end of their own: they would hold up the closing of the server.
    shutdown.signal.addEventListener('abort', () => streams.close());
    const storage = config.REPORT_STORAGE_URL === undefined ? null : openReportStorage(config.REPORT_STORAGE_URL);
    if (storage !== null) shutdown.register('report storage', () => storage.close());
    const shedding = createLoadShedding({
      log,
      metrics,
      mostInFlight: config.MAX_REQUESTS_IN_FLIGHT,
    });
    shutdown.register('load shedding', async () => shedding.close());
    const app = createApp({
      log,
      metrics,
      shedding,
      trust: trustOf(config, Date.now),
      metricsToken: config.METRICS_TOKEN,
      bodyLimitBytes: config.BODY_LIMIT_BYTES,
      moneyBodyLimitBytes: config.MONEY_BODY_LIMIT_BYTES,
      version: packageJson.version,
      producer: runtime.producer,
      jobs: cachedJobs(runtime.reader, caches),
      flows: flowsPort(runtime),
      rateLimit: rateLimits.rateLimit,
      operatorRoutes: [
        ...operatorRoutes({ runtime, caches, log, storage, ...providersOf(config) }),
        ...rateLimits.routes,
        ...jobEventRoutes(streams, runtime.reader),
      ],
      health: createHealth({ log, checks: healthChecks(runtime) }),
      readiness,
      admin: createAdmin({ runtime, config, log }),
    });
    // Listening comes before the stores are there: liveness answers, readiness says what is waited for.
    const server = await listen(app, config.PORT);
    log.info({ port: server.port }, 'The API is listening');
    shutdown.register('http server', () => server.close(config.SHUTDOWN_GRACE_MS * 0.8));
    await waitForStores(parts, config);
  },
});
