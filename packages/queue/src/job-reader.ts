import type { JobResource, QueueName } from '@queue-service/contracts';
import {
  type Database,
  findCriticalJobs,
  findHistoryJob,
  type HistoryJobRow,
  type JobListFilter,
  listJobs,
} from '@queue-service/persistence';
import { Job } from 'bullmq';
import { whileDatabaseAvailable } from './database-availability.ts';
import { stateInRedis } from './envelope-state.ts';
import { type Page, type PageRequest, pageOf } from './page.ts';
import type { Connections } from './redis/connections.ts';
import { jobResource } from './resource.ts';

/** Finds jobs wherever their truth lies: the ledger, Redis, or history. */
export interface JobReader {
  /**
   * @param tenantId null sees all; somebody else's job is not found
   * @throws DatabaseUnavailableError
   */
  find(id: string, tenantId: string | null): Promise<JobResource | null>;
  /** Newest first. What is listed of communication and background jobs is their history, a moment behind. */
  list(filter: Omit<JobListFilter, 'tenantId'>, tenantId: string | null, page: PageRequest): Promise<Page<JobResource>>;
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
    list: (filter, tenantId, page) =>
      whileDatabaseAvailable(async () =>
        pageOf(await listJobs(db, { ...filter, tenantId }, page.after, page.limit + 1), page.limit, jobResource),
      ),
  };
}

async function findStored(db: Database, id: string): Promise<JobResource | null> {
  return whileDatabaseAvailable(async () => {
    const [row] = await findCriticalJobs(db, [id]);
    const found: HistoryJobRow | null = row ?? (await findHistoryJob(db, id));
    return found === null ? null : jobResource(found);
  });
}

async function findInRedis(connections: Connections, id: string): Promise<JobResource | null> {
  for (const name of redisQueues) {
    const connection = connections.all.find((candidate) => candidate.name === name);
    if (connection === undefined || connection.redis.status !== 'ready') continue;
    try {
      const job = await Job.fromId(connection.queue, id);
      if (job) return jobResource(stateInRedis(job, name, await job.getState()));
    } catch {
      // Redis went away in between: history answers.
    }
  }
  return null;
}
