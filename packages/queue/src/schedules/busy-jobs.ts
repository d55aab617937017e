import type { QueueName } from '@queue-service/contracts';
import { type Sql, stateOfFiredJobs } from '@queue-service/persistence';
import type { Connections } from '../redis/connections.ts';

const unfinished = new Set(['waiting', 'active', 'delayed', 'prioritized', 'waiting-children']);

/**
 * Which of the last jobs of schedules have not ended. A money job is asked of the ledger; of the others history knows the
 * end and Redis what is under way. While that Redis is away a job that is not known to have ended counts as busy: two at
 * once are worse than one late.
 */
export async function busyJobs(
  sql: Sql,
  connections: Connections,
  jobs: readonly { id: string; queue: string }[],
): Promise<Set<string>> {
  if (jobs.length === 0) return new Set();
  const states = new Map(
    (
      await stateOfFiredJobs(
        sql,
        jobs.map(({ id }) => id),
      )
    ).map((state) => [state.id, state]),
  );
  const busy = await Promise.all(
    jobs.map(async ({ id, queue }) => {
      const state = states.get(id);
      if (state === undefined || state.owed) return true;
      if (state.ended) return false;
      return state.inLedger || isInRedis(connections, queue as QueueName, id);
    }),
  );
  return new Set(jobs.filter((_, index) => busy[index]).map(({ id }) => id));
}

async function isInRedis(connections: Connections, name: QueueName, id: string): Promise<boolean> {
  const { queue, redis } = connections.of(name);
  if (redis.status !== 'ready') return true;
  try {
    return unfinished.has(await queue.getJobState(id));
  } catch {
    return true; // Redis went away in between.
  }
}
