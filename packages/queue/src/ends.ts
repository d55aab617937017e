import type { FailureRecord, JobResource, JobStatus, JobType } from '@queue-service/contracts';
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
import { coalesceBy } from './coalesce.ts';
import type { FlowEngine, StepEnd } from './flows/flow-engine.ts';
import { flowEvent } from './flows/flow-event.ts';

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

/** What became due by an end, to be done after the commit; the relay does what is forgotten. */
export interface Consequences {
  money: Pick<NewCriticalJob, 'id' | 'type' | 'priority' | 'tenantId' | 'delayMs'>[];
  /** A flow that has steps to hand to other queues. */
  flowIds: string[];
  deliveries: OwedDelivery[];
  /** Jobs of steps whose flow has died. */
  cancelJobs: string[];
}

type EndStatus = Extract<JobStatus, 'completed' | 'failed' | 'cancelled'>;

/** Webhook deliveries are jobs too, and must not be told of by webhooks. */
export const silentTypes: ReadonlySet<string> = new Set(['deliver-webhook'] satisfies JobType[]);

/** @param data the job as the event tells of it; asked for only where an endpoint listens */
export function jobEvent(
  job: Pick<JobResource, 'id' | 'tenantId' | 'status'>,
  webhookUrl: string | null,
  at: Date,
  data: () => JobResource,
): WebhookEvent {
  const type = `job.${job.status}`;
  return {
    tenantId: job.tenantId,
    type,
    subjectId: job.id,
    webhookUrl,
    get body() {
      return { type, timestamp: at.toISOString(), data: data() };
    },
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
  const steps = new Map<string, StepEnd[]>();
  const all: Consequences = { money: [], flowIds: [], deliveries: [], cancelJobs: [] };
  for (const { resource: job, flowStep, webhookUrl, death } of ends) {
    if (!silentTypes.has(job.type)) events.push(jobEvent(job, webhookUrl, at, () => job));
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
      const ofFlow = steps.get(job.flowId) ?? [];
      steps.set(job.flowId, ofFlow);
      ofFlow.push({ step: flowStep, job: { ...job, status: job.status as EndStatus } });
    }
  }
  // In one order everywhere: two that lock the same flows do not wait for each other in a circle.
  for (const [flowId, ofFlow] of [...steps].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const move = await flows.stepsEnded(sql, flowId, ofFlow);
    if (move === null) continue;
    all.money.push(...move.inserted);
    if (move.owesSteps) all.flowIds.push(flowId);
    all.cancelJobs.push(...move.cancelJobs);
    if (move.finished) events.push(flowEvent(move.flow, at));
  }
  if (events.length > 0) all.deliveries.push(...(await insertWebhookDeliveries(sql, events)));
  return all;
}

/** Does, after the commit, what an end made due. Failing is no loss: the relay finds all of it. */
export type FollowUp = (consequences: Consequences) => Promise<void>;

export interface EndRecorder {
  /** In a transaction of its own; ends of one flow that come together share it, as each would wait for the flow. */
  record(end: EndedJob): Promise<void>;
  /** In the caller's transaction; hand the answer to `followUp` after the commit. */
  recordIn(sql: Sql, ends: readonly EndedJob[]): Promise<Consequences>;
  followUp: FollowUp;
}

export function createEndRecorder(db: Database, flows: FlowEngine, followUp: FollowUp, now: () => Date): EndRecorder {
  const recordIn = (sql: Sql, ends: readonly EndedJob[]) => recordEnds(sql, ends, flows, now());
  const recordAll = async (ends: EndedJob[]) => {
    await followUp(await db.transaction((sql) => recordIn(sql, ends)));
    return ends.map(() => null);
  };
  const recordOfFlow = coalesceBy(({ resource }: EndedJob) => resource.flowId, recordAll, inOneFlow);
  return {
    recordIn,
    followUp,
    record: async (end) => {
      await (end.resource.flowId === null ? recordAll([end]) : recordOfFlow(end));
    },
  };
}

/** One flow is moved by one transaction at a time. */
export const inOneFlow = { maxBatch: 100, maxInFlight: 1 };
