import type { Logger } from '@queue-service/observability';
import type { QueueConnection } from '../redis/connections.ts';
import { script } from '../redis/script.ts';
import { ranFields } from '../redis/shared-calls.ts';
import { createWhileRunning } from '../while-running.ts';

/** Who ran a job whose lock ran out. Times are ISO texts. */
export interface RunMark {
  worker: string;
  startedAt: string;
}

/**
 * What is marked of running communication and background jobs, in fields of the job's own hash, which last and go with
 * it: that it is to be cancelled (messages make a cancel fast, the mark makes it sure), and who ran it before its lock ran
 * out (a worker that dies cannot say so any more).
 */
export interface JobMarks {
  read(jobId: string): Promise<{ cancelled: boolean; run: RunMark | null }>;
  /** Calls back, within `everyMs`, when the job is to be cancelled; the answer stops looking. */
  watch(jobId: string, cancelled: () => void): () => void;
  close(): void;
}

/** A hash of a mark alone would stay, and keep the job from being added again. */
const markOnlyWhereJobIs = script<number>(`
if redis.call('HEXISTS', KEYS[1], 'timestamp') == 0 then return 0 end
redis.call('HSET', KEYS[1], 'cancel', 1)
return 1`);

/** False when the job is gone. */
export async function markCancelled({ queue, redis }: QueueConnection, jobId: string): Promise<boolean> {
  return (await markOnlyWhereJobIs(redis, [queue.toKey(jobId)], [])) === 1;
}

export async function isMarkedCancelled({ queue, redis }: QueueConnection, jobId: string): Promise<boolean> {
  return (await redis.hexists(queue.toKey(jobId), 'cancel')) === 1;
}

export function createJobMarks(connection: QueueConnection, log: Logger, everyMs = 1_000): JobMarks {
  const { queue, redis } = connection;
  const watched = createWhileRunning<() => void>();
  let looking = false;

  const look = async () => {
    if (looking || watched.size === 0 || redis.status !== 'ready') return;
    looking = true;
    try {
      const ids = watched.entries().map(([id]) => id);
      const pipeline = redis.pipeline();
      for (const id of ids) pipeline.hexists(queue.toKey(id), 'cancel');
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
    read: async (jobId) => {
      const [cancel, worker, since] = await redis.hmget(queue.toKey(jobId), 'cancel', ...ranFields);
      const run = worker && since ? { worker, startedAt: new Date(Number(since)).toISOString() } : null;
      return { cancelled: cancel !== null, run };
    },
    watch: watched.add,
    close: () => clearInterval(timer),
  };
}
