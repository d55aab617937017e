import { type FailureRecord, type QueueName, queues } from '@queue-service/contracts';
import { type FlowStepRow, findCriticalJobs, type Sql } from '@queue-service/persistence';
import { envelopeIn } from '../envelope.ts';
import type { Connections } from '../redis/connections.ts';

/** What only the job of a step knows while it has not ended. */
export interface RunningJob {
  /** `settling`: over but for an effect whose outcome is open. */
  status: 'pending' | 'processing' | 'settling';
  attempts: number;
  startedAt: Date | null;
  /** Of the last attempt. */
  error: FailureRecord | null;
}

/**
 * How far the jobs of open steps are, by their id: the ledger's rows, and of the other queues those that a worker has at
 * this moment. Of a queue whose Redis is away nothing is known.
 */
export async function runningJobs(
  sql: Sql,
  connections: Connections,
  steps: readonly FlowStepRow[],
): Promise<Map<string, RunningJob>> {
  const open = steps.filter(({ status }) => status === 'pending');
  const idsIn = (queue: QueueName) =>
    open.flatMap((step) => (step.queue === queue && step.jobId !== null ? [step.jobId] : []));
  const parts = await Promise.all(
    connections.all.map(({ name }) => {
      const ids = idsIn(name);
      if (ids.length === 0) return [];
      return queues[name].tier === 1 ? ofLedger(sql, ids) : ofRedis(connections, name, new Set(ids));
    }),
  );
  return new Map(parts.flat());
}

async function ofLedger(sql: Sql, ids: readonly string[]): Promise<[string, RunningJob][]> {
  const rows = await findCriticalJobs(sql, ids);
  return rows.flatMap(({ id, status, attempts, startedAt, error, settlingSince }) =>
    status === 'pending' || status === 'processing'
      ? [[id, { status: settlingSince === null ? status : 'settling', attempts, startedAt, error }]]
      : [],
  );
}

async function ofRedis(
  connections: Connections,
  name: QueueName,
  ids: ReadonlySet<string>,
): Promise<[string, RunningJob][]> {
  const { queue, redis } = connections.of(name);
  if (redis.status !== 'ready') return [];
  try {
    const jobs = (await queue.getActive()).filter((job) => ids.has(job.id as string));
    return jobs.map((job) => {
      const { attempts, startedAt } = envelopeIn(job);
      const since = startedAt ?? job.processedOn ?? null;
      return [
        job.id as string,
        {
          status: 'processing',
          // The envelope counts an attempt when it has ended.
          attempts: attempts + 1,
          startedAt: since === null ? null : new Date(since),
          error: null,
        },
      ];
    });
  } catch {
    return []; // It went away in between.
  }
}
