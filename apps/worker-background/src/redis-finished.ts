import type { Connections, JobContext } from '@queue-service/queue';

const states = ['completed', 'failed'] as const;

/** BullMQ removes this many in one script, during which Redis serves nobody else: https://github.com/taskforcesh/bullmq/issues/1603 */
const atOnce = 1_000;

/** How many ended jobs Redis still holds that ended before the cutoff. */
export async function countFinished({ all }: Connections, cutoff: Date): Promise<number> {
  let count = 0;
  for (const { queue, redis } of all) {
    // The score of an ended job is the time of its end.
    for (const state of states) count += await redis.zcount(queue.toKey(state), '-inf', cutoff.getTime());
  }
  return count;
}

/** Removes them in bounded steps. Their truth is in PostgreSQL. */
export async function cleanFinished(
  { all }: Connections,
  cutoff: Date,
  ctx: Pick<JobContext, 'signal' | 'progress'>,
): Promise<number> {
  let removed = 0;
  for (const { queue } of all) {
    for (const state of states) {
      for (let step = atOnce; step > 0; ) {
        ctx.signal.throwIfAborted();
        step = (await queue.clean(Date.now() - cutoff.getTime(), atOnce, state)).length;
        removed += step;
        ctx.progress({ rows: removed });
      }
    }
  }
  return removed;
}
