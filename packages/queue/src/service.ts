import { once } from 'node:events';
import { contractOf, jobTypes, type QueueName, queueNames, queues } from '@queue-service/contracts';
import {
  allAlive,
  createHealth,
  createLogger,
  createMetrics,
  type Health,
  type Liveness,
  type Logger,
  type LogLevel,
  logConfig,
  type Metrics,
  opsConfig,
  type ProcessLike,
  runService,
  type Secret,
  type Shutdown,
  secretsIn,
  shutdownConfig,
  startOpsServer,
  startTracing,
  tracingConfig,
  waitFor,
} from '@queue-service/observability';
import { databaseConfig, migrationStatus } from '@queue-service/persistence';
import { z } from 'zod';
import { redisConfig, workerConfig } from './config.ts';
import { checkDatabaseDurability, checkDurability, type DurabilityProblem } from './durability.ts';
import { startFleetWorker } from './fleet.ts';
import type { Handlers } from './handler.ts';
import { watchProgress } from './host/watch-progress.ts';
import { mastersOf, type RedisClient } from './redis/client.ts';
import { openRuntime, type Runtime, type RuntimeConfig } from './runtime.ts';

/** The variables that every process of the service reads. */
export const serviceConfig = {
  ...logConfig,
  ...shutdownConfig,
  ...tracingConfig,
  ...databaseConfig,
  ...redisConfig,
  /** `production` refuses a Redis that would lose or evict jobs. */
  NODE_ENV: z.string().default('development'),
};

/** The variables of a process without a public HTTP interface. */
export const fleetConfig = { ...serviceConfig, ...opsConfig, ...workerConfig };

export interface ServiceConfig extends RuntimeConfig {
  LOG_LEVEL: LogLevel;
  LOG_FILE?: string | undefined;
  SHUTDOWN_GRACE_MS: number;
  NODE_ENV: string;
  OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
}

export interface FleetConfig extends ServiceConfig {
  OPS_PORT: number;
  WORKER_CONCURRENCY: number;
}

/** What a process is given to build its own parts from. */
export interface ServiceParts {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly runtime: Runtime;
  readonly health: Health;
  readonly shutdown: Shutdown;
}

export interface ServiceOptions {
  name: string;
  config: ServiceConfig;
  process: ProcessLike;
  /** Opens what only this process has; registers its closers. PostgreSQL and Redis may still be away. */
  start(parts: ServiceParts): Promise<void>;
}

/**
 * Runs one process of the service: logger, metrics, tracing, runtime and readiness around what `start` opens, closed in
 * reverse order on SIGTERM. A dependency that is away at the start is waited for, and said so.
 */
export async function runProcess({ name, config, process, start }: ServiceOptions): Promise<void> {
  const log = createLogger({
    service: name,
    level: config.LOG_LEVEL,
    file: config.LOG_FILE,
    redactPaths: personalPaths(),
    secrets: secretsIn(config) as Secret[],
  });
  await runService({
    name,
    log,
    graceMs: config.SHUTDOWN_GRACE_MS,
    process,
    start: async (shutdown) => {
      const tracing = await startTracing({ service: name, endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT, log });
      shutdown.register('tracing', () => tracing.shutdown());
      const metrics = createMetrics({ service: name, known: { queue: queueNames, type: jobTypes } });
      const runtime = openRuntime({ config, applicationName: name, log, metrics });
      shutdown.register('runtime', () => runtime.close());
      const health = createHealth({ log, checks: dependencyChecks(runtime) });
      shutdown.signal.addEventListener('abort', () => health.startDraining());
      await start({ log, metrics, runtime, health, shutdown });
    },
  });
}

/** PostgreSQL reachable and migrated, each Redis reachable. */
export function dependencyChecks(runtime: Runtime): Record<'database' | 'redis', () => Promise<unknown>> {
  return { database: () => checkMigrated(runtime), redis: () => checkRedis(runtime) };
}

async function checkMigrated(runtime: Runtime): Promise<void> {
  const { upToDate, pending } = await migrationStatus((text) => runtime.db.query(text.slice(0, 60), text));
  if (!upToDate) throw new Error(`migrations are not applied: ${pending.join(', ')}`);
}

async function checkRedis(runtime: Runtime): Promise<void> {
  for (const { redis, name } of runtime.connections.all) {
    if (redis.status !== 'ready') throw new Error(`the Redis of the queue ${name} is ${redis.status}`);
    await Promise.all(mastersOf(redis).map((master) => master.ping()));
  }
}

/** A connection that is being made is not away yet. @throws when it fails */
async function connected(redis: RedisClient, signal: AbortSignal): Promise<void> {
  if (redis.status === 'connecting' || redis.status === 'connect') await once(redis, 'ready', { signal });
}

/** Waits for both stores, then refuses those that would lose or evict jobs, where that matters. */
export async function waitForStores(parts: ServiceParts, { NODE_ENV }: Pick<ServiceConfig, 'NODE_ENV'>): Promise<void> {
  const { runtime, log, shutdown } = parts;
  const waiting = { log, signal: shutdown.signal };
  await waitFor({ ...waiting, name: 'PostgreSQL', check: () => checkMigrated(runtime) });
  await waitFor({
    ...waiting,
    name: 'Redis',
    check: async (signal) => {
      await Promise.all(runtime.connections.all.map(({ redis }) => connected(redis, signal)));
      await checkRedis(runtime);
    },
  });
  const judge = (whose: string, problems: readonly DurabilityProblem[]) => {
    for (const { setting, found, wanted, fatal } of problems) {
      const message = `${whose} has ${setting} ${found}; it must be ${wanted}`;
      if (fatal && NODE_ENV === 'production') throw new Error(message);
      log.warn(message);
    }
  };
  judge('PostgreSQL', await checkDatabaseDurability(runtime.db));
  for (const { name, redis } of runtime.connections.all) {
    judge(`The Redis of the queue ${name}`, await checkDurability(redis, queues[name].tier));
  }
}

export interface FleetServiceOptions<Queue extends QueueName> {
  name: string;
  queue: Queue;
  config: FleetConfig;
  process: ServiceOptions['process'];
  handlers(parts: ServiceParts): Handlers<Queue> | Promise<Handlers<Queue>>;
  /** Besides the process itself. */
  liveness?: Liveness;
}

/** Runs a worker process of one queue. */
export async function runFleet<Queue extends QueueName>(options: FleetServiceOptions<Queue>): Promise<void> {
  const { name, queue, config, process } = options;
  await runProcess({
    name,
    config,
    process,
    start: async (parts) => {
      const { log, metrics, runtime, health, shutdown } = parts;
      const alive: Liveness[] = options.liveness === undefined ? [] : [options.liveness];
      const ops = await startOpsServer({
        port: config.OPS_PORT,
        metrics,
        liveness: () => allAlive(...alive)(),
        readiness: health,
        log,
      });
      shutdown.register('ops server', () => ops.close());
      await waitForStores(parts, config);
      const handlers = await options.handlers(parts);
      const worker = startFleetWorker({ runtime, queue, handlers, config, log, metrics, watchesLoop: true });
      const watch = watchProgress({ host: worker, connection: runtime.connections.of(queue), db: runtime.db, log });
      alive.push(watch.liveness);
      // A tenth of the grace is left for returning what did not end in time, and for closing the rest.
      shutdown.register('worker', () => {
        watch.close();
        return worker.close(config.SHUTDOWN_GRACE_MS * 0.8);
      });
    },
  });
}

/** The personal fields of all payloads, as the logger wants them: `attachments[*].content`. */
export function personalPaths(): string[] {
  const paths = jobTypes.flatMap((type) => contractOf(type).personalData);
  return [...new Set(paths.map((path) => path.replaceAll('.*', '[*]')))];
}
