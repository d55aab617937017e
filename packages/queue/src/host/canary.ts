import type { JobType } from '@queue-service/contracts';
import { bullOptions } from '../dispatch.ts';
import type { QueueConnection } from '../redis/connections.ts';

/** A job that does nothing and belongs to nobody: it has no row, no history and no tenant. */
export const canaryName = 'canary';

/** One a queue: while it waits, no second one is added. Like all ids a UUID, for whoever looks its row up. */
export const canaryId = '00000000-0000-7000-8000-00000000ca4a';

/**
 * Sends a canary through a queue, among the jobs of middle priority; the worker that gets it measures how long it took.
 * Not while the queue is paused or has no workers: its wait would say nothing, and it would wake a fleet that was scaled
 * to zero because nothing waits.
 */
export async function releaseCanary({ name, queue, redis }: QueueConnection): Promise<void> {
  if (redis.status !== 'ready' || (await queue.isPaused()) || (await queue.getWorkersCount()) === 0) return;
  const job = { id: canaryId, type: canaryName as JobType, priority: 5, tenantId: canaryName, delayMs: 0, data: {} };
  await queue.add(canaryName, {}, { ...bullOptions(name, job), removeOnComplete: true, removeOnFail: true });
}
