import type { FailureRecord, JobResource, JobStatus, QueueName } from '@queue-service/contracts';
import type { AttemptRecord, HistoryRow } from '@queue-service/persistence';
import type { JobState as BullState, Job } from 'bullmq';
import { type EndedValue, type Envelope, envelopeIn } from './envelope.ts';
import { cancelledError, type FinalOutcome } from './host/outcome.ts';
import type { JobState } from './resource.ts';

/** The state of a job that is known by its envelope. */
export function envelopeState(
  id: string,
  queue: string,
  type: string,
  envelope: Envelope,
  at: {
    status: JobStatus;
    result: Record<string, unknown> | null;
    error: FailureRecord | null;
    finishedAt: Date | null;
  },
): JobState {
  return {
    id,
    queue,
    type,
    priority: envelope.priority,
    attempts: envelope.attempts,
    maxAttempts: envelope.maxAttempts,
    tenantId: envelope.tenantId,
    idempotencyKey: envelope.idempotencyKey,
    flowId: envelope.flow?.flowId ?? null,
    scheduledFor: envelope.scheduledFor === null ? null : new Date(envelope.scheduledFor),
    createdAt: new Date(envelope.createdAt),
    startedAt: envelope.startedAt === null ? null : new Date(envelope.startedAt),
    ...at,
  };
}

/** A job as its history is written. */
export function historyRow({ delivery: _, ...row }: JobResource, envelope: Envelope): HistoryRow {
  const { payload, payloadVersion, flow, requestId, traceId } = envelope;
  return { ...row, payload, payloadVersion, flowStep: flow?.step ?? null, requestId, traceId };
}

const statusOf = { completed: 'completed', dead: 'failed', cancelled: 'cancelled' } as const;

/** The state of a job that has ended, recorded or not. */
export function endedState(
  id: string,
  queue: string,
  type: string,
  envelope: Envelope,
  { outcome, attempt }: { outcome: FinalOutcome; attempt: AttemptRecord },
): JobState & { status: (typeof statusOf)[FinalOutcome['kind']] } {
  const status = statusOf[outcome.kind];
  const result = outcome.kind === 'completed' ? outcome.result : null;
  const cancelled = outcome.kind === 'cancelled' ? cancelledError(outcome.acted) : null;
  const error = outcome.kind === 'dead' ? outcome.error : cancelled;
  const finishedAt = new Date(attempt.endedAt);
  return { ...envelopeState(id, queue, type, envelope, { status, result, error, finishedAt }), status };
}

/** The state of a communication or background job as Redis knows it. */
export function stateInRedis(job: Job, queue: QueueName, standing: BullState | 'unknown'): JobState {
  const id = job.id as string;
  const envelope = envelopeIn(job);
  if (envelope.ended !== undefined) return endedState(id, queue, job.name, envelope, envelope.ended);
  const end = standing === 'completed' ? (job.returnvalue as EndedValue) : null;
  const state = envelopeState(id, queue, job.name, envelope, {
    status: end?.status ?? (standing === 'active' ? 'processing' : 'pending'),
    result: end?.result ?? null,
    error: end?.error ?? null,
    finishedAt: job.finishedOn === undefined ? null : new Date(job.finishedOn),
  });
  if (end === null) return state;
  return { ...state, attempts: end.attempts, startedAt: end.startedAt === null ? null : new Date(end.startedAt) };
}
