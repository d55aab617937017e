import type { Logger } from '@queue-service/observability';
import type { QueueConnection } from '../redis/connections.ts';

/**
 * Watches the marks of communication and background jobs that are to be cancelled while they run: a field of the job's
 * own hash, so it lasts and goes with the job. Messages make a cancel fast, marks make it sure.
 */
export interface CancelMarks {
  isMarked(jobId: string): Promise<boolean>;
  /** Calls back, within `everyMs`, when the job is marked; the answer stops looking. */
  watch(jobId: string, cancelled: () => void): () => void;
  close(): void;
}

const field = 'cancel';

/** A hash that held nothing but the mark would stay for ever. */
const markScript = `if redis.call('HEXISTS', KEYS[1], 'timestamp') == 0 then return 0 end
redis.call('HSET', KEYS[1], '${field}', '1')
return 1`;

/** False when the job is gone. */
export async function markCancelled({ queue, redis }: QueueConnection, jobId: string): Promise<boolean> {
  return (await redis.eval(markScript, 1, queue.toKey(jobId))) === 1;
}

export async function isMarkedCancelled({ queue, redis }: QueueConnection, jobId: string): Promise<boolean> {
  return (await redis.hexists(queue.toKey(jobId), field)) === 1;
}

export function watchCancelMarks(connection: QueueConnection, log: Logger, everyMs = 1_000): CancelMarks {
  const { queue, redis } = connection;
  const watched = new Map<string, () => void>();
  let looking = false;

  const look = async () => {
    if (looking || watched.size === 0 || redis.status !== 'ready') return;
    looking = true;
    try {
      const ids = [...watched.keys()];
      const pipeline = redis.pipeline();
      for (const id of ids) pipeline.hexists(queue.toKey(id), field);
      const replies = (await pipeline.exec()) ?? [];
      ids.forEach((id, index) => {
        if (replies[index]?.[1] === 1) watched.get(id)?.();
      });
    } catch (error) {
      log.debug({ err: error }, 'Marks of cancelled jobs could not be read; trying again');
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(look, everyMs);
  timer.unref();

  return {
    isMarked: (jobId) => isMarkedCancelled(connection, jobId),
    watch: (jobId, cancelled) => {
      watched.set(jobId, cancelled);
      return () => watched.delete(jobId);
    },
    close: () => clearInterval(timer),
  };
}
