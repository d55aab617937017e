import type { JobType, QueueName } from '@queue-service/contracts';
import type { JobsOptions } from 'bullmq';
import { bullPriority } from './fairness/bands.ts';
import type { TagSoon } from './fairness/tag-soon.ts';
import { whileAvailable } from './redis/availability.ts';
import type { Connections } from './redis/connections.ts';
import { addAll } from './redis/shared-calls.ts';

/** A job on its way into Redis. */
export interface Dispatch {
  id: string;
  type: JobType;
  /** 1 (lowest) to 10 (highest). */
  priority: number;
  tenantId: string;
  delayMs: number;
  /** All a tier keeps in Redis: nothing for money, the sealed envelope for the others. */
  data: object;
}

/** Puts jobs into their queue. One that is already there (same id) is left as it is, so a repeat does no harm. */
export type Dispatcher = (queue: QueueName, jobs: readonly Dispatch[]) => Promise<void>;

/**
 * How long an ended job stays in Redis, unless its own options say otherwise: for the board, and for `mendHistory`, which
 * comes within 15 s. The ledger and history keep it for good.
 */
export const keptInRedis = { age: 3_600, count: 10_000 };

/**
 * Every attempt, delay and end is decided by the worker host; BullMQ is told so with one attempt. A money job leaves
 * nothing behind in Redis: its id must be free for a redrive. `tenant` is what fairness goes by.
 */
export function bullOptions(queue: QueueName, job: Dispatch): JobsOptions & { tenant: string } {
  return {
    jobId: job.id,
    priority: bullPriority(job.priority),
    ...(job.delayMs > 0 ? { delay: job.delayMs } : {}),
    attempts: 1,
    tenant: job.tenantId,
    ...(queue === 'money' ? { removeOnComplete: true, removeOnFail: true } : {}),
  };
}

/** @throws QueueUnavailableError (from the returned function) */
export function createDispatcher(connections: Connections, tagSoon: TagSoon): Dispatcher {
  return async (name, jobs) => {
    if (jobs.length === 0) return;
    const { queue, redis } = connections.of(name);
    await whileAvailable(redis, name, () =>
      addAll(
        queue,
        jobs.map((job) => ({ id: job.id, name: job.type, data: job.data, opts: bullOptions(name, job) })),
      ),
    );
    tagSoon(
      name,
      jobs.map(({ priority }) => priority),
    );
  };
}
