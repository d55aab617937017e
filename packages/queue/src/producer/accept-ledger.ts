import {
  type Database,
  findCriticalJobsByKey,
  insertCriticalJobs,
  type NewCriticalJob,
  releaseExpiredKeys,
  type Sealer,
  type Sql,
} from '@queue-service/persistence';
import type { Acceptance } from '../new-job.ts';
import { jobResource } from '../resource.ts';
import type { PreparedJob } from './prepare.ts';

/**
 * Tier 1: one INSERT for all jobs, committed before the answer. What meets its own idempotency key is told apart by the
 * hash of the request; a key whose window is over is free again.
 * @throws DatabaseUnavailableError
 */
export async function acceptIntoLedger(sql: Sql, sealer: Sealer, jobs: readonly PreparedJob[]): Promise<Acceptance[]> {
  const inserted = await insertCriticalJobs(
    sql,
    jobs.map((job) => criticalJob(job, sealer)),
  );
  let met = jobs.filter((job) => !inserted.has(job.id));
  let holders = met.length === 0 ? [] : await findHolders(sql, met);
  const expired = holders.filter((holder) => holder.expired).map((holder) => holder.id);
  if (expired.length > 0) {
    await releaseExpiredKeys(sql, expired);
    for (const [id, at] of await insertCriticalJobs(
      sql,
      met.map((job) => criticalJob(job, sealer)),
    ))
      inserted.set(id, at);
    met = jobs.filter((job) => !inserted.has(job.id));
    holders = await findHolders(sql, met);
  }
  const byKey = new Map(holders.map((holder) => [`${holder.tenantId}\n${holder.idempotencyKey}`, holder]));
  return jobs.map((job): Acceptance => {
    const createdAt = inserted.get(job.id);
    if (createdAt !== undefined) return { outcome: 'created', job: newResource(job, createdAt) };
    const holder = byKey.get(`${job.tenantId}\n${job.idempotencyKey}`);
    if (holder === undefined) throw new Error(`job ${job.id} was neither inserted nor found by its key`);
    return holder.requestHash === job.hash
      ? { outcome: 'replayed', job: jobResource(holder) }
      : { outcome: 'key_reused', jobId: holder.id };
  });
}

/** All jobs or none: a reused key of one undoes the others. */
export async function acceptTogether(db: Database, accept: (sql: Sql) => Promise<Acceptance[]>): Promise<Acceptance[]> {
  let answers: Acceptance[] = [];
  try {
    await db.transaction(async (sql) => {
      answers = await accept(sql);
      if (answers.some((answer) => answer.outcome === 'key_reused')) throw new Undo();
    });
  } catch (error) {
    if (!(error instanceof Undo)) throw error;
  }
  return answers;
}

class Undo extends Error {}

function findHolders(sql: Sql, jobs: readonly PreparedJob[]) {
  return findCriticalJobsByKey(
    sql,
    jobs.flatMap(({ tenantId, idempotencyKey }) => (idempotencyKey === null ? [] : [{ tenantId, idempotencyKey }])),
  );
}

function criticalJob(job: PreparedJob, sealer: Sealer): NewCriticalJob {
  const { contract } = job;
  return {
    id: job.id,
    queue: contract.queue,
    type: contract.type,
    priority: job.priority,
    maxAttempts: job.maxAttempts,
    timeoutMs: job.timeoutMs,
    tenantId: job.tenantId,
    idempotencyKey: job.idempotencyKey,
    idempotencyWindowMs: contract.policy.idempotencyWindowMs,
    requestHash: job.hash,
    payload: sealer.seal(job.data, contract.personalData),
    payloadVersion: contract.version,
    delayMs: job.delayMs,
    flowId: job.flow?.flowId ?? null,
    flowStep: job.flow?.step ?? null,
    webhookUrl: job.webhookUrl,
    requestId: job.requestId,
    traceId: job.traceId,
    traceparent: job.traceparent,
  };
}

/** A job as it is at its start. */
export function newResource(job: PreparedJob, createdAt: Date) {
  return jobResource({
    id: job.id,
    queue: job.contract.queue,
    type: job.contract.type,
    status: 'pending',
    priority: job.priority,
    attempts: 0,
    maxAttempts: job.maxAttempts,
    tenantId: job.tenantId,
    idempotencyKey: job.idempotencyKey,
    result: null,
    error: null,
    flowId: job.flow?.flowId ?? null,
    scheduledFor: job.delayMs > 0 ? new Date(createdAt.getTime() + job.delayMs) : null,
    createdAt,
    startedAt: null,
    finishedAt: null,
  });
}
