import { day } from '@queue-service/contracts';
import type { Logger, Metrics } from '@queue-service/observability';
import {
  countQueueFlow,
  deleteQueueMetrics,
  insertQueueMetrics,
  type QueueMetricRow,
  rollUpQueueMetrics,
} from '@queue-service/persistence';
import {
  isRedisUnavailable,
  type QueueConnection,
  type Runtime,
  readQueueState,
  whileAvailable,
} from '@queue-service/queue';
import { every } from './every.ts';
import { steadily } from './schedules/steadily.ts';

export interface SnapshotOptions {
  runtime: Runtime;
  log: Logger;
  metrics: Metrics;
  /** Ends it. */
  signal: AbortSignal;
}

/** Seconds between two captures. */
export const resolution = 15;
/** History is written a moment behind the work; a span is counted when that moment is over. */
const settleMs = 3_000;
const lookEveryMs = 1_000;

/** Captures are made coarser with age, in seconds and milliseconds, and removed after `keptMs`. */
const rollUps = [
  { from: resolution, to: 300, afterMs: day },
  { from: 300, to: 3_600, afterMs: 14 * day },
];
const keptMs = 90 * day;
const rollUpEveryMs = 300_000;

/**
 * Captures the state of every queue each 15 s into `queue_metrics` and the gauges, and keeps the history small: 5 minutes
 * after a day, an hour after 14 days, gone after 90. One queue whose Redis is away does not keep the others from being
 * captured. A span in which nobody led has no capture; none is written twice.
 */
export async function startSnapshots(options: SnapshotOptions): Promise<void> {
  const { runtime, log, metrics, signal } = options;
  const captured = { until: 0, rolledUpAt: 0 };
  const capture = steadily(log, 'Capturing the queues');
  await every(lookEveryMs, signal, () =>
    capture(async () => {
      const now = runtime.now().getTime();
      const until = spanEnd(now);
      if (until === captured.until) return;
      await takeSnapshot(options, new Date(until));
      captured.until = until;
      if (now - captured.rolledUpAt < rollUpEveryMs) return;
      await rollUp(runtime, new Date(now));
      captured.rolledUpAt = now;
    }),
  );
  // Who leads next measures them; two answers would be one too many.
  for (const gauge of [metrics.queueDepth, metrics.oldestWaitingAge, metrics.paused]) gauge.reset();
}

/** The end of the last span of 15 s that has settled, in milliseconds. */
export function spanEnd(nowMs: number): number {
  const spanMs = resolution * 1_000;
  return Math.floor((nowMs - settleMs) / spanMs) * spanMs;
}

/** Captures the queues for the span that ended at `until`. */
export async function takeSnapshot({ runtime, log, metrics }: SnapshotOptions, until: Date): Promise<void> {
  const from = new Date(until.getTime() - resolution * 1_000);
  const flow = new Map((await countQueueFlow(runtime.db, from, until)).map((counts) => [counts.queue, counts]));
  const rows = await Promise.all(
    runtime.connections.all.map(async (connection): Promise<QueueMetricRow[]> => {
      const state = await stateOf(connection, runtime, log);
      if (state === null) return [];
      const { name: queue } = connection;
      const { completed, failed, enqueued } = flow.get(queue) ?? { completed: 0, failed: 0, enqueued: 0 };
      for (const part of ['waiting', 'active', 'delayed'] as const) {
        metrics.queueDepth.set({ queue, state: part }, state[part]);
      }
      metrics.oldestWaitingAge.set({ queue }, state.oldestWaitingMs / 1_000);
      metrics.paused.set({ queue }, state.paused ? 1 : 0);
      return [{ queue, resolution, ...state, completed, failed, enqueued, capturedAt: until }];
    }),
  );
  await insertQueueMetrics(runtime.db, rows.flat());
}

/** Null while the queue's Redis is away. */
async function stateOf(connection: QueueConnection, runtime: Runtime, log: Logger) {
  const { name, redis } = connection;
  try {
    return await whileAvailable(redis, name, () => readQueueState(connection, runtime.db, runtime.now()));
  } catch (error) {
    if (redis.status === 'ready' && !isRedisUnavailable(error)) throw error;
    log.debug({ err: error, queue: name }, 'A queue could not be captured: its Redis is away');
    return null;
  }
}

/** Makes old captures coarser and removes the oldest. */
export async function rollUp({ db }: Runtime, now: Date): Promise<void> {
  for (const { from, to, afterMs } of rollUps) {
    await rollUpQueueMetrics(db, from, to, new Date(now.getTime() - afterMs));
  }
  await deleteQueueMetrics(db, new Date(now.getTime() - keptMs));
}
