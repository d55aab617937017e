import { contractOf, type JobType, type QueueName } from '@queue-service/contracts';
import type { Logger, Metrics } from '@queue-service/observability';
import {
  type DispatchableJob,
  findExpiredLeases,
  findUndispatched,
  listOwedDeliveries,
  listOwedSteps,
  markDispatched,
  pagePendingDeliveries,
  pageUnfinished,
} from '@queue-service/persistence';
import {
  dispatchDeliveries,
  dispatchOwedSteps,
  isRedisUnavailable,
  QueueUnavailableError,
  type Runtime,
} from '@queue-service/queue';
import { every } from './every.ts';
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
const firstId = '00000000-0000-0000-0000-000000000000';

/**
 * Puts into Redis what PostgreSQL says should be there: jobs whose dispatch failed or was forgotten, jobs whose worker
 * died while Redis had lost them, steps of flows, webhooks. When Redis has lost its data (FLUSHALL, a restart without it,
 * a failover that lost writes) everything unfinished is added again.
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
        await look(async () => {
          const restored = await restore(options, queue);
          if (restored > 0) log.warn({ queue, jobs: restored }, 'All unfinished jobs were added to Redis again');
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

/** One round over what was forgotten. */
export async function relayForgotten(options: RelayOptions): Promise<void> {
  const { runtime, metrics, signal, forgottenAfterMs = 3_000 } = options;
  const { db } = runtime;
  for (const find of [findUndispatched, findExpiredLeases]) {
    for (;;) {
      const jobs = await find(db, forgottenAfterMs, batchSize);
      if (find === findUndispatched) {
        const lagMs = jobs[0] === undefined ? 0 : runtime.now().getTime() - jobs[0].runAt.getTime();
        metrics.relayLag.set({ queue: 'money' }, lagMs / 1_000);
      }
      await dispatchMoney(runtime, jobs);
      metrics.relayed.inc({ queue: 'money' }, jobs.length);
      // Jobs with an expired lease stay in the list until a worker takes them: one page a round is enough.
      if (find === findExpiredLeases) break;
      await markDispatched(
        db,
        jobs.map((job) => job.id),
      );
      if (jobs.length < batchSize || signal.aborted) break;
    }
  }
  const steps = await listOwedSteps(db, { flowId: null, all: false, limit: batchSize });
  await dispatchOwedSteps(db, runtime.dispatch, steps, runtime.now());
  const deliveries = await listOwedDeliveries(db, forgottenAfterMs, batchSize);
  if (deliveries.length > 0) await dispatchDeliveries(db, runtime.dispatch, deliveries, runtime.now());
}

/** Everything unfinished of a queue. Answers how many jobs that were. */
async function restore({ runtime, signal }: RelayOptions, queue: QueueName): Promise<number> {
  const { db } = runtime;
  if (queue === 'money') {
    return inPages(
      signal,
      (after) => pageUnfinished(db, after, batchSize),
      (jobs) => dispatchMoney(runtime, jobs),
    );
  }
  const deliveries =
    queue === contractOf('deliver-webhook').queue
      ? await inPages(
          signal,
          (after) => pagePendingDeliveries(db, after, batchSize),
          (page) => dispatchDeliveries(db, runtime.dispatch, page, runtime.now()),
        )
      : 0;
  const steps = (await listOwedSteps(runtime.db, { flowId: null, all: true, limit: 100_000 })).filter(
    (step) => step.queue === queue,
  );
  await dispatchOwedSteps(runtime.db, runtime.dispatch, steps, runtime.now());
  return deliveries + steps.length;
}

async function inPages<Row extends { id: string }>(
  signal: AbortSignal,
  read: (after: string) => Promise<Row[]>,
  handOn: (rows: Row[]) => Promise<void>,
): Promise<number> {
  let count = 0;
  for (let after: string | undefined = firstId; after !== undefined && !signal.aborted; ) {
    const rows = await read(after);
    await handOn(rows);
    count += rows.length;
    after = rows.length < batchSize ? undefined : rows.at(-1)?.id;
  }
  return count;
}

async function dispatchMoney(runtime: Runtime, jobs: readonly DispatchableJob[]): Promise<void> {
  const now = runtime.now().getTime();
  await runtime.dispatch(
    'money',
    jobs.map((job) => ({
      id: job.id,
      type: job.type as JobType,
      priority: job.priority,
      tenantId: job.tenantId,
      delayMs: job.runAt.getTime() - now,
      data: {},
    })),
  );
}
