import { collectDefaultMetrics, Registry } from 'prom-client';
import { httpMetrics } from './http-metrics.ts';
import { createInstruments } from './instruments.ts';
import { jobMetrics } from './job-metrics.ts';
import { LabelBounds } from './label-bounds.ts';
import { providerMetrics } from './provider-metrics.ts';
import { queueMetrics } from './queue-metrics.ts';
import { schedulerMetrics } from './scheduler-metrics.ts';

/** All metrics of the service start with this. */
export const METRICS_PREFIX = 'queue_service_';

export interface MetricsOptions {
  /** Name of the process; the label `app` of every series (`service` is what Prometheus' operator sets itself). */
  readonly service: string;
  readonly registry?: Registry | undefined;
  /** Values which labels may take, where they are known in advance, e.g. `{ queue: QUEUES, type: JOB_TYPES }`. Others count as `other`. */
  readonly known?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Every metric of the service, and the registry they are in. */
export type Metrics = ReturnType<typeof createMetrics>;

/**
 * The metrics of one process. Durations are in seconds. Besides the service's own it collects prom-client's process metrics under
 * their usual names: `process_*`, `nodejs_*`, with `nodejs_eventloop_lag_p99_seconds` (monitorEventLoopDelay, since the last scrape).
 */
export function createMetrics(options: MetricsOptions) {
  const registry = options.registry ?? new Registry();
  registry.setDefaultLabels({ app: options.service });
  collectDefaultMetrics({ register: registry });
  const instruments = createInstruments(registry, METRICS_PREFIX, new LabelBounds(options.known));
  return {
    ...jobMetrics(instruments),
    ...queueMetrics(instruments),
    ...providerMetrics(instruments),
    ...schedulerMetrics(instruments),
    ...httpMetrics(instruments),
    registry,
    contentType: registry.contentType,
    /** Everything in Prometheus' text format. */
    text: () => registry.metrics(),
  };
}
