import type { JobResource, QueueName } from '@queue-service/contracts';
import {
  cancelPendingJob,
  type Database,
  historyText,
  listActedEffects,
  lockCriticalJob,
  requestCancel,
  type Sql,
  upsertJobs,
} from '@queue-service/persistence';
import type { Job } from 'bullmq';
import type { Dispatcher } from '../dispatch.ts';
import { actedInEnvelope } from '../effects/envelope-effects.ts';
import type { EndRecorder } from '../ends.ts';
import { envelopeIn } from '../envelope.ts';
import { endedState, envelopeState, historyRow } from '../envelope-state.ts';
import { cancelledError } from '../host/outcome.ts';
import type { JobReader } from '../job-reader.ts';
import { whileAvailable } from '../redis/availability.ts';
import type { Connections } from '../redis/connections.ts';
import { jobResource } from '../resource.ts';
import { isMarkedCancelled, markCancelled } from '../tiers/job-marks.ts';
import { tellCancelled } from './cancel-messages.ts';

/** What became of the wish to cancel a job. */
export type Cancellation =
  /** It waited, and will not run. Also when it was cancelled before. */
  | { outcome: 'cancelled'; job: JobResource }
  /** It runs, or may have done something that is found out first. It ends by itself, and its end says what happened. */
  | { outcome: 'requested'; job: JobResource }
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
 * abort signal, in whichever process it runs. Uses no attempt. A repeat does no harm.
 * @param tenantId null may cancel all
 * @throws QueueUnavailableError, and what PostgreSQL throws while it is away
 */
export type CancelJob = (id: string, tenantId: string | null, note?: CancelNote) => Promise<Cancellation>;

export interface CancelParts {
  db: Database;
  ends: EndRecorder;
  connections: Connections;
  dispatch: Dispatcher;
  reader: JobReader;
  now: () => Date;
}

interface CancelOptions {
  tenantId: string | null;
  note: CancelNote;
}

export function createCancelJob(parts: CancelParts): CancelJob {
  return async (id, tenantId, note = async () => {}) => {
    const options = { tenantId, note };
    return (await cancelMoney(parts, id, options)) ?? (await cancelInRedis(parts, id, options));
  };
}

async function cancelMoney(
  parts: CancelParts,
  id: string,
  options: CancelOptions,
): Promise<Extract<Cancellation, { job: JobResource }> | null> {
  const { db, ends, connections } = parts;
  const done = await db.transaction(async (sql) => {
    const row = await lockCriticalJob(sql, id, options.tenantId);
    if (row === null) return null;
    const { status } = row;
    const job = jobResource(row);
    if (status !== 'pending' && status !== 'processing') return { ...ended(job), due: null };
    // Cancelled would say that no money moved: where some may have, the next run finds out and sends nothing.
    if (status === 'processing' || (await listActedEffects(sql, id)).length > 0) {
      await requestCancel(sql, id);
      if (row.cancelRequestedAt === null) await options.note(sql, job, { before: status, after: 'cancel requested' });
      return { outcome: 'requested' as const, job, due: null };
    }
    const ending = await cancelPendingJob(sql, id, cancelledError([]));
    if (ending === null) throw new Error(`the job ${id} changed under its lock`);
    const cancelled = jobResource(ending);
    await options.note(sql, cancelled, { before: status, after: 'cancelled' });
    const { flowStep, webhookUrl } = ending;
    const due = await ends.recordIn(sql, [{ resource: cancelled, flowStep, webhookUrl, death: null }]);
    return { outcome: 'cancelled' as const, job: cancelled, due };
  });
  if (done === null) return null;
  const { due, ...cancellation } = done;
  const connection = connections.of('money');
  if (due !== null) await ends.followUp(due);
  if (cancellation.outcome === 'requested' && cancellation.job.status === 'processing') {
    await tellCancelled(connection, id);
  } else if (cancellation.outcome !== 'ended' && connection.redis.status === 'ready') {
    // What stays there finds its row cancelled, and goes.
    await connection.queue.remove(id).catch(() => 0);
    if (cancellation.outcome === 'requested') {
      const { type, priority, tenantId } = cancellation.job;
      const due = { id, type: type as never, priority, tenantId, delayMs: 0, data: {} };
      await parts.dispatch('money', [due]).catch(() => {}); // The relay does it.
    }
  }
  return cancellation;
}

/** A job that a worker takes, or gives back, while it is being cancelled is looked at again. */
const looks = 5;

/** History and what follows are committed with the removal as the last step: a job is gone and told of, or neither. */
async function cancelInRedis(parts: CancelParts, id: string, options: CancelOptions): Promise<Cancellation> {
  const { db, ends, connections } = parts;
  for (const name of ['communication', 'background'] as const) {
    const connection = connections.of(name);
    const { queue, redis } = connection;
    for (let look = 1; look <= looks; look += 1) {
      // In this order: what is read of a job is not older than its state.
      const state = await whileAvailable(redis, name, () => queue.getJobState(id));
      const found = await whileAvailable(redis, name, () => queue.getJob(id));
      if (found === undefined || !isOf(found, options.tenantId)) break;
      if (state === 'completed' || state === 'failed') break;
      const envelope = envelopeIn(found);
      // Its recording is owed, and removing it would forget what has happened.
      if (envelope.ended !== undefined) {
        return ended(jobResource(endedState(id, name, found.name, envelope, envelope.ended)));
      }
      if (state === 'active') {
        const requested = await requestInRedis(parts, name, found, options);
        // It may have gone back to wait before it could see the mark.
        const now = await whileAvailable(redis, name, () => queue.getJobState(id));
        if (requested !== null && (now === 'active' || look === looks)) return requested;
        continue;
      }
      const job = jobResource(
        envelopeState(id, name, found.name, envelope, {
          ...{ status: 'cancelled', result: null, error: cancelledError(actedInEnvelope(envelope)) },
          finishedAt: parts.now(),
        }),
      );
      const due = await db
        .transaction(async (sql) => {
          const row = historyRow(job, envelope);
          const { flowStep } = row;
          const { webhookUrl } = envelope;
          await upsertJobs(sql, [historyText(row)]);
          await options.note(sql, job, { before: 'pending', after: 'cancelled' });
          const consequences = await ends.recordIn(sql, [{ resource: job, flowStep, webhookUrl, death: null }]);
          if ((await whileAvailable(redis, name, () => queue.remove(id))) === 0) throw new TakenError();
          return consequences;
        })
        .catch((error: unknown) => {
          if (!(error instanceof TakenError)) throw error;
          return null;
        });
      if (due === null) continue;
      await ends.followUp(due);
      return { outcome: 'cancelled', job };
    }
  }
  const job = await parts.reader.find(id, options.tenantId);
  return job === null ? { outcome: 'not_found' } : ended(job);
}

/** A worker took the job before it could be removed. */
class TakenError extends Error {}

/** Marks a running job, and tells its worker. Null when it is gone. */
async function requestInRedis(
  { db, connections, reader }: CancelParts,
  name: QueueName,
  found: Job,
  options: CancelOptions,
): Promise<Cancellation | null> {
  const connection = connections.of(name);
  const id = found.id as string;
  const job = await reader.find(id, null);
  if (job === null) return null;
  const marked = await db.transaction(async (sql) => {
    const before = await whileAvailable(connection.redis, name, () => isMarkedCancelled(connection, id));
    if (!before) await options.note(sql, job, { before: 'processing', after: 'cancel requested' });
    return before || whileAvailable(connection.redis, name, () => markCancelled(connection, id));
  });
  await tellCancelled(connection, id);
  return marked ? { outcome: 'requested', job } : null;
}

function isOf(found: Job, tenantId: string | null): boolean {
  return tenantId === null || envelopeIn(found).tenantId === tenantId;
}

function ended(job: JobResource): Extract<Cancellation, { job: JobResource }> {
  return { outcome: job.status === 'cancelled' ? 'cancelled' : 'ended', job };
}
