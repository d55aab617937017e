import { pageQueueMetrics, peakWaiting, type ReportedQueueMetric } from '@queue-service/persistence';
import { type Column, keysetPages, type LineChart } from '../table.ts';
import type { TableOf } from './table-of.ts';

const columns: Column[] = [
  { title: 'Captured at', width: 2.2 },
  { title: 'Queue', width: 1.5 },
  { title: 'Seconds', width: 1, numeric: true },
  { title: 'Waiting', width: 1, numeric: true },
  { title: 'Active', width: 1, numeric: true },
  { title: 'Delayed', width: 1, numeric: true },
  { title: 'Completed', width: 1, numeric: true },
  { title: 'Failed', width: 1, numeric: true },
  { title: 'Enqueued', width: 1, numeric: true },
  { title: 'Oldest waiting, s', width: 1.5, numeric: true },
  { title: 'Paused', width: 0.8 },
];

const steps = 120;

/** One row a capture and queue. Queues are everybody's, so the tenant does not matter. */
export const queueHealthTable: TableOf = async (sql, period) => {
  const peaks = await peakWaiting(sql, period, steps);
  const lines = [...Map.groupBy(peaks, ({ queue }) => queue)].map(([label, points]) => {
    const values = new Array<number | null>(steps).fill(null);
    for (const { bucket, waiting } of points) values[bucket] = waiting;
    return { label, values };
  });
  const chart: LineChart = { kind: 'lines', title: 'Most jobs waiting', from: period.from, to: period.to, lines };
  return {
    title: 'Queue health',
    columns,
    chart: lines.length === 0 ? null : chart,
    pages: keysetPages<ReportedQueueMetric>(
      (after, limit) => pageQueueMetrics(sql, period, after, limit),
      (metric) => [
        metric.capturedAt,
        metric.queue,
        metric.resolution,
        metric.waiting,
        metric.active,
        metric.delayed,
        metric.completed,
        metric.failed,
        metric.enqueued,
        metric.oldestWaitingMs / 1_000,
        metric.paused,
      ],
    ),
  };
};
