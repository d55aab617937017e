import type { QueueName } from '@queue-service/contracts';
import type { Logger, Metrics } from '@queue-service/observability';
import {
  findExpiredLeases,
  findForgottenSteps,
  findUndispatched,
  listOwedDeliveries,
  markDispatched,
  type NewIncident,
  openIncident,
} from '@queue-service/persistence';
import {
  dispatchDeliveries,
  dispatchOwedSteps,
  isRedisUnavailable,
  QueueUnavailableError,
  type Runtime,
} from '@queue-service/queue';
import { every } from './every.ts';
import { dispatchMoney, restore } from './restore.ts';
import { watchLoss } from './watch-loss.ts';

export interface RelayOptions {
  runtime: Runtime;
  log: Logger;
  metrics: Metrics;
  /** Ends the relay. */
  signal: AbortSignal;
  /** Between two rounds, in milliseconds. Default 1000. */
  everyMs?: number;
  /** A job this long past its due time that nobody has marked as dispatched was forgotten, not just made. Default 3000. */
  forgottenAfterMs?: number;
}

const batchSize = 1_000;

/**
 * Puts into Redis what PostgreSQL says should be there: jobs whose dispatch failed or was forgotten, jobs whose worker
 * died while Redis had lost them, steps of flows, webhooks. When Redis has lost its data (FLUSHALL, a restart without it,
 * a failover that lost writes) its queues are paused again where they were, and everything unfinished is added again.
 *
 * Repeats do no harm: a job that is in its queue is left as it is. Rounds cost what is unfinished and forgotten, not what
 * was ever done. Promises that an unfinished job is back within seconds of Redis being back; does not promise order.
 */
export function startRelay(options: RelayOptions): Promise<void> {
  const { runtime, log, signal } = options;
  const watches = runtime.connections.all.map((connection) => ({
    queue: connection.name,
    look: watchLoss(connection, 'relay'),
  }));
  return every(options.everyMs ?? 1_000, signal, async () => {
    try {
      for (const { queue, look } of watches) {
        await look(async (lost) => {
          const restored = await restore(options, queue);
          if (restored > 0) log.warn({ queue, jobs: restored }, 'All unfinished jobs were added to Redis again');
          if (lost) await openIncident(runtime.db, recoveryOf(queue, restored));
        });
      }
      await relayForgotten(options);
    } catch (error) {
      if (error instanceof QueueUnavailableError || isRedisUnavailable(error))
        log.debug({ err: error }, 'Redis is away; the relay waits');
      else log.warn({ err: error }, 'The relay met an error and goes on');
    }
  });
}

function recoveryOf(queue: QueueName, jobs: number): NewIncident {
  const summary = `The Redis of the queue ${queue} had lost its data; ${jobs} unfinished jobs were added again`;
  return { key: `recovery:${queue}`, kind: 'recovery', severity: 'warning', summary, details: { queue, jobs } };
}

/** One round over what was forgotten. */
export async function relayForgotten(options: RelayOptions): Promise<void> {
  const { runtime, metrics, forgottenAfterMs = 3_000 } = options;
  const { db, now } = runtime;
  await relayUndispatched(options, forgottenAfterMs);
  // These stay in the list until a worker takes them: one page a round is enough.
  const expired = await findExpiredLeases(db, forgottenAfterMs, batchSize);
  await dispatchMoney(runtime, expired);
  metrics.relayed.inc({ queue: 'money' }, expired.length);
  const steps = await findForgottenSteps(db, forgottenAfterMs, batchSize);
  await dispatchOwedSteps(db, runtime.dispatchSteps, steps, now());
  const deliveries = await listOwedDeliveries(db, forgottenAfterMs, batchSize);
  if (deliveries.length > 0) await dispatchDeliveries(db, runtime.dispatch, deliveries, now());
}

/** Jobs whose dispatch was forgotten, the oldest first, until there are no more. */
async function relayUndispatched({ runtime, metrics, signal }: RelayOptions, forgottenAfterMs: number): Promise<void> {
  const { db, now } = runtime;
  let found: number;
  do {
    const jobs = await findUndispatched(db, forgottenAfterMs, batchSize);
    found = jobs.length;
    const lagMs = jobs[0] === undefined ? 0 : now().getTime() - jobs[0].runAt.getTime();
    metrics.relayLag.set({ queue: 'money' }, lagMs / 1_000);
    await dispatchMoney(runtime, jobs);
    metrics.relayed.inc({ queue: 'money' }, found);
    await markDispatched(
      db,
      jobs.map(({ id }) => id),
    );
  } while (found === batchSize && !signal.aborted);
}
