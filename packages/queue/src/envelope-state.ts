import type { FailureRecord, JobStatus } from '@queue-service/contracts';
import type { AttemptRecord } from '@queue-service/persistence';
import type { Envelope } from './envelope.ts';
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
