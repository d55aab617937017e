export { ConfigError, type ConfigProblem } from './config/config-error.ts';
export { LOG_LEVELS, logConfig, opsConfig, shutdownConfig, tracingConfig } from './config/fragments.ts';
export {
  type ConfigRule,
  type Environment,
  parseConfig,
  requireOneOf,
  requireTogether,
} from './config/parse-config.ts';
export { Secret, secretsIn } from './config/secret.ts';
export * as variable from './config/variable.ts';
export { runService, type ServiceOptions } from './lifecycle/run-service.ts';
export { createShutdown, type ProcessLike, type Shutdown, type ShutdownOptions } from './lifecycle/shutdown.ts';
export { type WaitForOptions, waitFor } from './lifecycle/wait-for.ts';
export { createLogger, flushLogger, type Logger, type LoggerOptions, type LogLevel } from './logger/create-logger.ts';
export { createMask, type Mask, maskText } from './logger/mask.ts';
export { type SerializedError, serializeError } from './logger/serialize-error.ts';
export { createMetrics, METRICS_PREFIX, type Metrics, type MetricsOptions } from './metrics/create-metrics.ts';
export type { CounterOf, DurationOf, GaugeOf } from './metrics/instruments.ts';
export { CIRCUIT_STATES } from './metrics/provider-metrics.ts';
export {
  createHealth,
  type Health,
  type HealthCheck,
  type HealthOptions,
  type HealthReport,
  type HealthStatus,
} from './ops/health.ts';
export { type OpsServer, type OpsServerOptions, startOpsServer } from './ops/ops-server.ts';
export { allAlive, createWatchdog, type Liveness, type LivenessReport, type Watchdog } from './ops/watchdog.ts';
export { startTracing, type Tracing, type TracingOptions } from './tracing/start-tracing.ts';
export {
  activeTraceFields,
  currentTraceId,
  injectTrace,
  type TraceCarrier,
  withJobSpan,
  withTrace,
} from './tracing/trace-context.ts';
