import { isUuid, type QueueName } from '@queue-service/contracts';
import { listUnended } from '@queue-service/persistence';
import { Job } from 'bullmq';
import { envelopeIn } from './envelope.ts';
import { stateInRedis } from './envelope-state.ts';
import type { Runtime } from './runtime.ts';

const pageSize = 1_000;

/**
 * Writes into history the ends that a worker could not write before it was killed, from the ended jobs that Redis keeps;
 * endpoints of the tenant hear of them then. An end that history has is left as it is.
 *
 * @param span ended at or after `from` and before `to`, epoch milliseconds by the clock of the worker
 * @returns how many were missing
 */
export async function mendHistory(
  { db, connections, history }: Pick<Runtime, 'db' | 'connections' | 'history'>,
  queueName: Exclude<QueueName, 'money'>,
  { from, to }: { from: number; to: number },
): Promise<number> {
  const { queue, redis } = connections.of(queueName);
  let mended = 0;
  for (const ended of ['completed', 'failed'] as const) {
    const ids = await redis.zrangebyscore(queue.toKey(ended), from, `(${to}`);
    for (let start = 0; start < ids.length; start += pageSize) {
      const page = ids.slice(start, start + pageSize).filter(isUuid);
      for (const id of await listUnended(db, page)) {
        const job = await Job.fromId(queue, id);
        if (!job || job.finishedOn === undefined) continue;
        const envelope = envelopeIn(job);
        const state = stateInRedis(job, queueName, ended);
        if (state.finishedAt === null) continue;
        // All else told of its end before it had ended in Redis.
        const silent = state.status === 'failed' || envelope.flow !== null || envelope.webhookUrl !== null;
        history.write(state, envelope, !silent);
        mended += 1;
      }
    }
  }
  return mended;
}
