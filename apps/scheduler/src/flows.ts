import type { Logger } from '@queue-service/observability';
import { firstStep, pageCancellingSteps } from '@queue-service/persistence';
import type { Runtime } from '@queue-service/queue';
import { every } from './every.ts';
import { inPages } from './in-pages.ts';
import { steadily } from './schedules/steadily.ts';

export interface FlowSweepOptions {
  runtime: Runtime;
  log: Logger;
  /** Ends it. */
  signal: AbortSignal;
  /** Between two sweeps, in milliseconds. Default 2000. */
  everyMs?: number;
}

/** Cancels under way at once. */
const inFlight = 4;

/**
 * Cancels the jobs of flows that died or were cancelled, until they have ended: what whoever noticed it left over or did
 * not live to do. Repeats do no harm.
 */
export async function startFlowSweeps({ runtime, log, signal, everyMs = 2_000 }: FlowSweepOptions): Promise<void> {
  const sweep = steadily(log, 'Cancelling jobs of flows that end');
  const cancelAll = async (steps: readonly { jobId: string }[]) => {
    for (let start = 0; start < steps.length && !signal.aborted; start += inFlight) {
      await Promise.all(steps.slice(start, start + inFlight).map(({ jobId }) => runtime.cancelJob(jobId, null)));
    }
  };
  await every(everyMs, signal, () =>
    sweep(async () => {
      await inPages(
        signal,
        firstStep,
        (after, limit) => pageCancellingSteps(runtime.db, after, limit),
        (steps) => cancelAll(steps),
      );
    }),
  );
}
