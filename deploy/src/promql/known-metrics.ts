import { createMetrics } from '@queue-service/observability';

/** Labels that Prometheus or its operator put on every series, and `le` of histograms. */
const FROM_OUTSIDE = ['namespace', 'pod', 'instance', 'job', 'le', 'app'];

/** Label names by series name, of everything a process of the service shows. */
export function knownSeries(): ReadonlyMap<string, ReadonlySet<string>> {
  const series = new Map<string, ReadonlySet<string>>();
  for (const metric of createMetrics({ service: 'api' }).registry.getMetricsAsArray()) {
    const { labelNames } = metric as unknown as { labelNames: string[] };
    const labels = new Set([...labelNames, ...FROM_OUTSIDE]);
    series.set(metric.name, labels);
    for (const suffix of ['bucket', 'sum', 'count']) series.set(`${metric.name}_${suffix}`, labels);
  }
  return series;
}
