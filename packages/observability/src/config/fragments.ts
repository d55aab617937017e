import { z } from 'zod';
import { integer, port, url } from './variable.ts';

/** Levels a process can be told to log at, most talkative first; `silent` logs nothing. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Spread into a process's schema: `z.object({ ...logConfig, ...opsConfig, … })`. */
export const logConfig = {
  LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  /** Path of a log file that is rotated, in addition to standard output. */
  LOG_FILE: z.string().optional(),
};

/** Where a process without a public HTTP interface shows its health and metrics. */
export const opsConfig = {
  OPS_PORT: port().default(9464),
};

/** How long a process may take to finish what it has in hand once it is told to stop, in ms. */
export const shutdownConfig = {
  SHUTDOWN_GRACE_MS: integer({ min: 0, max: 3_600_000 }).default(30_000),
};

/** Tracing is off unless the endpoint is set. Names after the OpenTelemetry specification. */
export const tracingConfig = {
  OTEL_EXPORTER_OTLP_ENDPOINT: url().optional(),
};
