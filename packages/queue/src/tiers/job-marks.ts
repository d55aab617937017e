import type { Logger } from '@queue-service/observability';
import type { QueueConnection } from '../redis/connections.ts';
import { createWhileRunning } from '../while-running.ts';

/** Who runs a job. Times are ISO texts. */
export interface RunMark {
  worker: string;
  startedAt: string;
}

/**
 * What is marked of running communication and background jobs, in fields of the job's own hash, which last and go with
 * it: that it is to be cancelled (messages make a cancel fast, the mark makes it sure), and who runs it (a worker that
 * dies cannot say so any more).
 */
export interface JobMarks {
  read(jobId: string): Promise<{ cancelled: boolean; run: RunMark | null }>;
  /** Marks who runs it. Never throws. */
  begin(jobId: string, run: RunMark): Promise<void>;
  /** Calls back, within `everyMs`, when the job is to be cancelled; the answer stops looking. */
  watch(jobId: string, cancelled: () => void): () => void;
  close(): void;
}

/** False when the job is gone. */
export function markCancelled({ queue, note }: QueueConnection, jobId: string): Promise<boolean> {
  return note({ kind: 'mark', key: queue.toKey(jobId), field: 'cancel', value: '1' });
}

export async function isMarkedCancelled({ queue, redis }: QueueConnection, jobId: string): Promise<boolean> {
  return (await redis.hexists(queue.toKey(jobId), 'cancel')) === 1;
}

export function createJobMarks(connection: QueueConnection, log: Logger, everyMs = 1_000): JobMarks {
  const { queue, redis, note } = connection;
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
      const [cancel, run] = await redis.hmget(queue.toKey(jobId), 'cancel', 'run');
      return { cancelled: cancel !== null, run: run ? (JSON.parse(run) as RunMark) : null };
    },
    begin: async (jobId, run) => {
      await note({ kind: 'mark', key: queue.toKey(jobId), field: 'run', value: JSON.stringify(run) }).catch(
        () => false,
      );
    },
    watch: watched.add,
    close: () => clearInterval(timer),
  };
}
