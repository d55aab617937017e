import { contractOf } from '@queue-service/contracts';
import type { Metrics } from '@queue-service/observability';
import { DatabaseUnavailableError, type NewJob, type Producer, QueueUnavailableError } from '../new-job.ts';

/** The producer, with what it took in and what it could not store shown as metrics. */
export function counted(producer: Producer, metrics: Pick<Metrics, 'enqueued' | 'enqueueErrors'>): Producer {
  return {
    accept: async (jobs) => {
      try {
        const answers = await producer.accept(jobs);
        for (const [index, job] of jobs.entries()) {
          if (answers[index]?.outcome === 'created') metrics.enqueued.inc(labelsOf(job));
        }
        return answers;
      } catch (error) {
        for (const job of jobs) metrics.enqueueErrors.inc({ ...labelsOf(job), code: codeOf(error) });
        throw error;
      }
    },
  };
}

function labelsOf({ type }: NewJob) {
  return { queue: contractOf(type).queue, type };
}

function codeOf(error: unknown): string {
  if (error instanceof QueueUnavailableError) return 'queue_unavailable';
  return error instanceof DatabaseUnavailableError ? 'database_unavailable' : 'internal';
}
