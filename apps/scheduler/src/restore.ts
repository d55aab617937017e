import { contractOf, type JobType, type QueueName } from '@queue-service/contracts';
import {
  type DispatchableJob,
  firstStep,
  listQueueControls,
  pageOpenSteps,
  pagePendingDeliveries,
  pageUnfinished,
} from '@queue-service/persistence';
import { dispatchDeliveries, dispatchOwedSteps, type Runtime, whileAvailable } from '@queue-service/queue';
import { inPages } from './in-pages.ts';

const firstRow = { id: '00000000-0000-0000-0000-000000000000' };

/** What a restore is done with. */
export interface RestoreParts {
  runtime: Runtime;
  signal: AbortSignal;
}

/**
 * Puts back what a Redis that has lost its data held of one queue: that it is paused, and all that has not ended.
 * Answers how many jobs that were.
 * @throws QueueUnavailableError
 */
export async function restore(parts: RestoreParts, queue: QueueName): Promise<number> {
  // Before the jobs, or some would run.
  await restorePause(parts.runtime, queue);
  return queue === 'money'
    ? restoreMoney(parts)
    : (await restoreSteps(parts, queue)) + (await restoreWebhooks(parts, queue));
}

/** BullMQ keeps in Redis alone that a queue is paused. One that runs by the table is left as it is. */
async function restorePause({ db, connections }: Runtime, name: QueueName): Promise<void> {
  const control = (await listQueueControls(db)).find((candidate) => candidate.name === name);
  const { queue, redis } = connections.of(name);
  if (control?.paused) await whileAvailable(redis, name, () => queue.pause());
}

function restoreMoney({ runtime, signal }: RestoreParts): Promise<number> {
  return inPages(
    signal,
    firstRow,
    (after, limit) => pageUnfinished(runtime.db, after.id, limit),
    (jobs) => dispatchMoney(runtime, jobs),
  );
}

async function restoreSteps({ runtime, signal }: RestoreParts, queue: QueueName): Promise<number> {
  const { db, dispatchSteps, now } = runtime;
  const ofKind = (kind: 'step' | 'compensation') =>
    inPages(
      signal,
      firstStep,
      (after, limit) => pageOpenSteps(db, kind, queue, after, limit),
      (steps) => dispatchOwedSteps(db, dispatchSteps, steps, now()),
    );
  return (await ofKind('step')) + (await ofKind('compensation'));
}

async function restoreWebhooks({ runtime, signal }: RestoreParts, queue: QueueName): Promise<number> {
  if (queue !== contractOf('deliver-webhook').queue) return 0;
  const { db, dispatch, now } = runtime;
  return inPages(
    signal,
    firstRow,
    (after, limit) => pagePendingDeliveries(db, after.id, limit),
    (deliveries) => dispatchDeliveries(db, dispatch, deliveries, now()),
  );
}

/** A job that is in its queue is left as it is. */
export async function dispatchMoney(runtime: Runtime, jobs: readonly DispatchableJob[]): Promise<void> {
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
