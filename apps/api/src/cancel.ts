import type { JobResource, QueueName } from '@queue-service/contracts';
import {
  cancelPendingJob,
  insertAudit,
  lockCriticalJob,
  mayHaveActed,
  requestCancel,
  type Sql,
  upsertJobs,
} from '@queue-service/persistence';
import { type Envelope, jobResource, type Runtime, whileAvailable, whileDatabaseAvailable } from '@queue-service/queue';
import type { Job } from 'bullmq';
import { auditEntry, type Change } from './audit.ts';
import { Problem } from './http/problem.ts';

/** `requested`: it runs, and its worker was told. */
export interface Cancellation {
  readonly outcome: 'cancelled' | 'requested';
  readonly job: JobResource;
}

/** @throws Problem `not_found`, `conflict`; DatabaseUnavailableError, QueueUnavailableError */
export type Cancel = (id: string, change: Change) => Promise<Cancellation>;

const cancelled = { code: 'cancelled', message: 'Cancelled on request', retryable: false } as const;

export function createCancel(runtime: Runtime): Cancel {
  return (id, change) =>
    whileDatabaseAvailable(
      async () => (await cancelMoney(runtime, id, change)) ?? (await cancelInRedis(runtime, id, change)),
    );
}

async function cancelMoney(runtime: Runtime, id: string, change: Change): Promise<Cancellation | null> {
  const { db, ends, connections } = runtime;
  const done = await db.transaction(async (sql) => {
    const row = await lockCriticalJob(sql, id, change.actor.scope);
    if (row === null) return null;
    if (row.status === 'processing') {
      await requestCancel(sql, id);
      const job = jobResource(row);
      if (row.cancelRequestedAt === null) await audit(sql, change, job, 'processing', 'cancel requested');
      return { outcome: 'requested' as const, job, due: null };
    }
    if (row.status !== 'pending') return { ...ended(jobResource(row)), due: null };
    // Cancelled would say that no money moved.
    if (await mayHaveActed(sql, id)) {
      throw new Problem('conflict', { detail: 'The provider may have carried it out already; a refund undoes that' });
    }
    const ending = await cancelPendingJob(sql, id, cancelled);
    if (ending === null) throw new Error(`the job ${id} changed under its lock`);
    const job = jobResource(ending);
    await audit(sql, change, job, 'pending', 'cancelled');
    const { flowStep, webhookUrl } = ending;
    const due = await ends.recordIn(sql, [{ resource: job, flowStep, webhookUrl, death: null }]);
    return { outcome: 'cancelled' as const, job, due };
  });
  if (done === null) return null;
  const { due, ...cancellation } = done;
  if (due !== null) {
    await ends.followUp(due);
    const { queue, redis } = connections.of('money');
    // What stays there finds its row cancelled, and goes.
    if (redis.status === 'ready') await queue.remove(id).catch(() => 0);
  }
  return cancellation;
}

/** History and what follows are committed with the removal as the last step: a job is gone and told of, or neither. */
async function cancelInRedis(runtime: Runtime, id: string, change: Change): Promise<Cancellation> {
  const { db, ends, connections } = runtime;
  const { scope } = change.actor;
  for (const name of ['communication', 'background'] as const) {
    const { queue, redis } = connections.of(name);
    const found = await whileAvailable(redis, name, () => queue.getJob(id));
    if (found === undefined || (scope !== null && (found.data as Envelope).tenantId !== scope)) continue;
    const state = await whileAvailable(redis, name, () => found.getState());
    if (state === 'completed' || state === 'failed') break;
    if (state === 'active') throw running();
    const envelope = found.data as Envelope;
    const job = cancelledJob(found, name, envelope, runtime.now());
    const due = await db.transaction(async (sql) => {
      const { payload, payloadVersion, flow, requestId, traceId, webhookUrl } = envelope;
      const { delivery: _, ...row } = job;
      const flowStep = flow?.step ?? null;
      await upsertJobs(sql, [{ ...row, payload, payloadVersion, flowStep, requestId, traceId }]);
      await audit(sql, change, job, 'pending', 'cancelled');
      const consequences = await ends.recordIn(sql, [{ resource: job, flowStep, webhookUrl, death: null }]);
      // 0: a worker took it in between.
      if ((await whileAvailable(redis, name, () => queue.remove(id))) === 0) throw running();
      return consequences;
    });
    await ends.followUp(due);
    return { outcome: 'cancelled', job };
  }
  const job = await runtime.reader.find(id, scope);
  if (job === null) throw new Problem('not_found');
  return ended(job);
}

function cancelledJob(found: Job, queue: QueueName, envelope: Envelope, at: Date): JobResource {
  const { flow, createdAt, startedAt, scheduledFor, ...given } = envelope;
  const time = (ms: number | null) => (ms === null ? null : new Date(ms));
  return jobResource({
    ...given,
    id: found.id as string,
    ...{ queue, type: found.name, status: 'cancelled', result: null, error: cancelled },
    flowId: flow?.flowId ?? null,
    createdAt: new Date(createdAt),
    startedAt: time(startedAt),
    scheduledFor: time(scheduledFor),
    finishedAt: at,
  });
}

/** Cancelling twice is no error; cancelling what has another end is. */
function ended(job: JobResource): Cancellation {
  if (job.status !== 'cancelled') throw new Problem('conflict', { detail: `The job is ${job.status}` });
  return { outcome: 'cancelled', job };
}

function running(): Problem {
  return new Problem('conflict', { detail: 'The job runs; a running job of this queue cannot be cancelled' });
}

function audit(sql: Sql, change: Change, job: JobResource, before: string, after: string): Promise<void> {
  const what = { action: 'job.cancel', resource: 'job', resourceId: job.id, tenantId: job.tenantId };
  return insertAudit(sql, [auditEntry(change, { ...what, before: { status: before }, after: { status: after } })]);
}
