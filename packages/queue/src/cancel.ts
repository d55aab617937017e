import type { FailureRecord, JobResource, QueueName } from '@queue-service/contracts';
import {
  cancelPendingJob,
  type Database,
  lockCriticalJob,
  mayHaveActed,
  requestCancel,
  type Sql,
  upsertJobs,
} from '@queue-service/persistence';
import type { Job } from 'bullmq';
import type { EndRecorder } from './ends.ts';
import type { Envelope } from './envelope.ts';
import { envelopeState } from './envelope-state.ts';
import type { JobReader } from './job-reader.ts';
import { whileAvailable } from './redis/availability.ts';
import type { Connections } from './redis/connections.ts';
import { jobResource } from './resource.ts';

/** What became of the wish to cancel a job. */
export type Cancellation =
  /** It waited, and will not run. Also when it was cancelled before. */
  | { outcome: 'cancelled'; job: JobResource }
  /** It runs, and its worker was told. */
  | { outcome: 'requested'; job: JobResource }
  /** It runs where a worker cannot be told. */
  | { outcome: 'running' }
  /** It waits for another attempt, and the provider may have carried it out already: cancelled would say it did not. */
  | { outcome: 'may_have_acted' }
  /** It has another end. */
  | { outcome: 'ended'; job: JobResource }
  | { outcome: 'not_found' };

/** Writes, in the transaction of the cancel, who did it. Not called by a repeat, nor when nothing was done. */
export type CancelNote = (
  sql: Sql,
  job: JobResource,
  states: { before: 'pending' | 'processing'; after: 'cancelled' | 'cancel requested' },
) => Promise<void>;

/**
 * Cancels a job wherever it is: a waiting one at once, with all that follows from its end; a running one through its
 * abort signal. A repeat does no harm.
 * @param tenantId null may cancel all
 * @throws QueueUnavailableError
 */
export type CancelJob = (id: string, tenantId: string | null, note?: CancelNote) => Promise<Cancellation>;

export interface CancelParts {
  db: Database;
  ends: EndRecorder;
  connections: Connections;
  reader: JobReader;
  now: () => Date;
}

const cancelled: FailureRecord = { code: 'cancelled', message: 'Cancelled on request', retryable: false };

export function createCancelJob(parts: CancelParts): CancelJob {
  return async (id, tenantId, note = async () => {}) =>
    (await cancelMoney(parts, id, tenantId, note)) ?? (await cancelInRedis(parts, id, tenantId, note));
}

async function cancelMoney(
  { db, ends, connections }: CancelParts,
  id: string,
  tenantId: string | null,
  note: CancelNote,
): Promise<Cancellation | null> {
  const done = await db.transaction(async (sql) => {
    const row = await lockCriticalJob(sql, id, tenantId);
    if (row === null) return null;
    if (row.status === 'processing') {
      await requestCancel(sql, id);
      const job = jobResource(row);
      if (row.cancelRequestedAt === null) {
        await note(sql, job, { before: 'processing', after: 'cancel requested' });
      }
      return { cancellation: { outcome: 'requested' as const, job }, due: null };
    }
    if (row.status !== 'pending') return { cancellation: ended(jobResource(row)), due: null };
    if (await mayHaveActed(sql, id)) return { cancellation: { outcome: 'may_have_acted' as const }, due: null };
    const ending = await cancelPendingJob(sql, id, cancelled);
    if (ending === null) throw new Error(`the job ${id} changed under its lock`);
    const job = jobResource(ending);
    await note(sql, job, { before: 'pending', after: 'cancelled' });
    const { flowStep, webhookUrl } = ending;
    const due = await ends.recordIn(sql, [{ resource: job, flowStep, webhookUrl, death: null }]);
    return { cancellation: { outcome: 'cancelled' as const, job }, due };
  });
  if (done === null) return null;
  if (done.due !== null) {
    await ends.followUp(done.due);
    const { queue, redis } = connections.of('money');
    // What stays there finds its row cancelled, and goes.
    if (redis.status === 'ready') await queue.remove(id).catch(() => 0);
  }
  return done.cancellation;
}

/** History and what follows are committed with the removal as the last step: a job is gone and told of, or neither. */
async function cancelInRedis(
  { db, ends, connections, reader, now }: CancelParts,
  id: string,
  tenantId: string | null,
  note: CancelNote,
): Promise<Cancellation> {
  for (const name of ['communication', 'background'] as const) {
    const { queue, redis } = connections.of(name);
    const found = await whileAvailable(redis, name, () => queue.getJob(id));
    if (found === undefined || (tenantId !== null && (found.data as Envelope).tenantId !== tenantId)) continue;
    const state = await whileAvailable(redis, name, () => found.getState());
    if (state === 'completed' || state === 'failed') break;
    if (state === 'active') return { outcome: 'running' };
    const envelope = found.data as Envelope;
    const job = cancelledJob(found, name, envelope, now());
    const due = await db
      .transaction(async (sql) => {
        const { payload, payloadVersion, flow, requestId, traceId, webhookUrl } = envelope;
        const { delivery: _, ...row } = job;
        const flowStep = flow?.step ?? null;
        await upsertJobs(sql, [{ ...row, payload, payloadVersion, flowStep, requestId, traceId }]);
        await note(sql, job, { before: 'pending', after: 'cancelled' });
        const consequences = await ends.recordIn(sql, [{ resource: job, flowStep, webhookUrl, death: null }]);
        // 0: a worker took it in between.
        if ((await whileAvailable(redis, name, () => queue.remove(id))) === 0) throw new Taken();
        return consequences;
      })
      .catch((error: unknown) => {
        if (error instanceof Taken) return null;
        throw error;
      });
    if (due === null) return { outcome: 'running' };
    await ends.followUp(due);
    return { outcome: 'cancelled', job };
  }
  const job = await reader.find(id, tenantId);
  return job === null ? { outcome: 'not_found' } : ended(job);
}

class Taken extends Error {}

function cancelledJob(found: Job, queue: QueueName, envelope: Envelope, at: Date): JobResource {
  return jobResource(
    envelopeState(found.id as string, queue, found.name, envelope, {
      status: 'cancelled',
      result: null,
      error: cancelled,
      finishedAt: at,
    }),
  );
}

function ended(job: JobResource): Cancellation {
  return { outcome: job.status === 'cancelled' ? 'cancelled' : 'ended', job };
}
