import type { FailureRecord, JobResource, JobStatus } from '@queue-service/contracts';
import {
  type AttemptRecord,
  type Database,
  type DeadLetterReason,
  insertDeadLetter,
  insertWebhookDeliveries,
  type NewCriticalJob,
  type OwedDelivery,
  type Sql,
  type WebhookEvent,
} from '@queue-service/persistence';
import { type FlowEngine, flowEvent } from './flows/flow-engine.ts';

/** A job that has ended, in any tier. */
export interface EndedJob {
  resource: JobResource;
  flowStep: string | null;
  webhookUrl: string | null;
  /** Set when it died. */
  death: {
    reason: DeadLetterReason;
    payload: unknown;
    payloadVersion: number;
    timeoutMs: number;
    attemptLog: AttemptRecord[];
  } | null;
}

/** What became due by an end, to be dispatched after the commit; the relay does what is forgotten. */
export interface Consequences {
  money: NewCriticalJob[];
  /** A flow that has steps to hand to other queues. */
  flowIds: string[];
  deliveries: OwedDelivery[];
  cancelJobs: string[];
}

type EndStatus = Extract<JobStatus, 'completed' | 'failed' | 'cancelled'>;

/** Webhook deliveries are jobs too, and must not be told of by webhooks. */
const silentTypes = new Set(['deliver-webhook']);

export function jobEvent(job: JobResource, webhookUrl: string | null, at: Date): WebhookEvent {
  const type = `job.${job.status}`;
  return {
    tenantId: job.tenantId,
    type,
    subjectId: job.id,
    webhookUrl,
    body: { type, timestamp: at.toISOString(), data: job },
  };
}

/** Records, in the caller's transaction, all that follows from the ends of jobs: letters, webhooks, next steps of flows. */
export async function recordEnds(
  sql: Sql,
  ends: readonly EndedJob[],
  flows: FlowEngine,
  at: Date,
): Promise<Consequences> {
  const events: WebhookEvent[] = [];
  const all: Consequences = { money: [], flowIds: [], deliveries: [], cancelJobs: [] };
  for (const { resource: job, flowStep, webhookUrl, death } of ends) {
    if (!silentTypes.has(job.type)) events.push(jobEvent(job, webhookUrl, at));
    if (death !== null) {
      await insertDeadLetter(sql, {
        jobId: job.id,
        queue: job.queue,
        type: job.type,
        tenantId: job.tenantId,
        error: job.error as FailureRecord,
        attempts: job.attempts,
        maxAttempts: job.maxAttempts,
        priority: job.priority,
        flowId: job.flowId,
        flowStep,
        ...death,
      });
    }
    if (job.flowId !== null && flowStep !== null) {
      const move = await flows.stepEnded(sql, job.flowId, flowStep, { ...job, status: job.status as EndStatus });
      if (move === null) continue;
      all.money.push(...move.inserted);
      all.flowIds.push(move.flow.id);
      all.cancelJobs.push(...move.cancelJobs);
      if (move.finished) events.push(flowEvent(move.flow, at));
    }
  }
  if (events.length > 0) all.deliveries.push(...(await insertWebhookDeliveries(sql, events)));
  return all;
}

/** Hands on, after the commit, what an end made due. Failing is no loss: the relay finds all of it. */
export type FollowUp = (consequences: Consequences) => Promise<void>;

export interface EndRecorder {
  /** In a transaction of its own. */
  record(ends: readonly EndedJob[]): Promise<void>;
  /** In the caller's transaction; hand the answer to `followUp` after the commit. */
  recordIn(sql: Sql, ends: readonly EndedJob[]): Promise<Consequences>;
  followUp: FollowUp;
}

export function createEndRecorder(db: Database, flows: FlowEngine, followUp: FollowUp, now: () => Date): EndRecorder {
  const recordIn = (sql: Sql, ends: readonly EndedJob[]) => recordEnds(sql, ends, flows, now());
  return {
    recordIn,
    followUp,
    record: async (ends) => {
      await followUp(await db.transaction((sql) => recordIn(sql, ends)));
    },
  };
}
