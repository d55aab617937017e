import type { FailureRecord, JobStatus } from '@queue-service/contracts';
import type { Envelope } from './envelope.ts';
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
