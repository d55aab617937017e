import type { JobResource, QueueStats } from '@queue-service/contracts';
import type { Metrics } from '@queue-service/observability';
import type { Cancel } from '../cancel.ts';
import type { Jobs } from '../ports.ts';
import type { Redrive } from '../redrive.ts';
import { ReadCache } from './read-cache.ts';

/** What an answer of GET /jobs/:id and of the queues' state may be behind, at most. */
export const MAX_AGE_MS = 1_000;
/** Waiters look at jobs that have not ended; those must not learn of an end late. */
const UNENDED_MAX_AGE_MS = 250;

export interface Caches {
  readonly jobs: ReadCache<JobResource | null>;
  readonly queues: ReadCache<QueueStats[]>;
}

export function createCaches(parts: {
  readonly nowMs: () => number;
  readonly metrics: Pick<Metrics, 'cacheRequests'>;
}): Caches {
  return {
    jobs: new ReadCache({
      ...parts,
      ...{ name: 'jobs', maxEntries: 10_000, maxAgeMs: MAX_AGE_MS },
      // What is not there may be there at the next look: it was just posted.
      ageOf: (job) => (job === null ? 0 : job.finishedAt === null ? UNENDED_MAX_AGE_MS : MAX_AGE_MS),
    }),
    queues: new ReadCache({ ...parts, name: 'queues', maxEntries: 16, maxAgeMs: MAX_AGE_MS }),
  };
}

/** Jobs found through the cache; whose they are is checked at each request. Lists are not cached. */
export function cachedJobs(jobs: Jobs, { jobs: cache }: Caches): Jobs {
  return {
    list: (...which) => jobs.list(...which),
    find: async (id, scope) => {
      const job = await cache.read(id, () => jobs.find(id, null));
      return job === null || (scope !== null && job.tenantId !== scope) ? null : job;
    },
  };
}

/** What this process changes it does not answer from before the change. */
export function forgetting(caches: Caches, { cancel, redrive }: { cancel: Cancel; redrive: Redrive }) {
  const forget = (jobId: string) => {
    caches.jobs.forget(jobId);
    caches.queues.flush();
  };
  const freshCancel: Cancel = (id, change) => cancel(id, change).finally(() => forget(id));
  const freshRedrive: Redrive = async (by, change) => {
    const letter = await redrive(by, change);
    forget(letter.jobId);
    return letter;
  };
  return { cancel: freshCancel, redrive: freshRedrive };
}
