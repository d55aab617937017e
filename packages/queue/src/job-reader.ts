import type { JobResource, JobStatus, QueueName } from '@queue-service/contracts';
import {
  type Database,
  findCriticalJobs,
  findHistoryJob,
  type HistoryJobRow,
  isDatabaseUnavailable,
} from '@queue-service/persistence';
import { Job } from 'bullmq';
import type { Envelope } from './envelope.ts';
import { envelopeState } from './envelope-state.ts';
import { DatabaseUnavailableError } from './new-job.ts';
import type { Connections } from './redis/connections.ts';
import { jobResource } from './resource.ts';

/** Finds jobs wherever their truth lies: the ledger, Redis, or history. */
export interface JobReader {
  /**
   * @param tenantId null sees all; somebody else's job is not found
   * @throws DatabaseUnavailableError
   */
  find(id: string, tenantId: string | null): Promise<JobResource | null>;
}

const redisQueues = ['communication', 'background'] as const satisfies QueueName[];

export function createJobReader(db: Database, connections: Connections): JobReader {
  return {
    find: async (id, tenantId) => {
      const [live, stored] = await Promise.all([findInRedis(connections, id), findStored(db, id)]);
      // An ended row is final; before that Redis knows better.
      const job = stored !== null && (stored.finishedAt !== null || live === null) ? stored : live;
      if (job === null || (tenantId !== null && job.tenantId !== tenantId)) return null;
      return job;
    },
  };
}

async function findStored(db: Database, id: string): Promise<JobResource | null> {
  try {
    const [row] = await findCriticalJobs(db, [id]);
    const found: HistoryJobRow | undefined = row ?? (await findHistoryJob(db, id)) ?? undefined;
    return found === undefined ? null : jobResource(found);
  } catch (error) {
    if (isDatabaseUnavailable(error))
      throw new DatabaseUnavailableError('PostgreSQL cannot be reached', { cause: error });
    throw error;
  }
}

async function findInRedis(connections: Connections, id: string): Promise<JobResource | null> {
  for (const name of redisQueues) {
    const connection = connections.all.find((candidate) => candidate.name === name);
    if (connection === undefined || connection.redis.status !== 'ready') continue;
    try {
      const job = await Job.fromId(connection.queue, id);
      if (job) return resourceOf(job, name);
    } catch {
      // Redis went away in between: history answers.
    }
  }
  return null;
}

async function resourceOf(job: Job, queue: QueueName): Promise<JobResource> {
  const state = await job.getState();
  const status: JobStatus =
    state === 'active' ? 'processing' : state === 'completed' ? 'completed' : state === 'failed' ? 'failed' : 'pending';
  return jobResource(
    envelopeState(job.id as string, queue, job.name, job.data as Envelope, {
      status,
      result: status === 'completed' ? (job.returnvalue as Record<string, unknown> | null) : null,
      error: null,
      finishedAt: job.finishedOn === undefined ? null : new Date(job.finishedOn),
    }),
  );
}
