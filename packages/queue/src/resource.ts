import type { FailureRecord, JobDelivery, JobResource, JobStatus, QueueName } from '@queue-service/contracts';

/** A job's state, wherever it is kept. */
export interface JobState {
  id: string;
  queue: string;
  type: string;
  status: JobStatus;
  priority: number;
  attempts: number;
  maxAttempts: number;
  tenantId: string;
  idempotencyKey: string | null;
  result: Record<string, unknown> | null;
  error: FailureRecord | null;
  flowId: string | null;
  delivery?: JobDelivery | null;
  scheduledFor: Date | null;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
}

/** A job as the API, webhooks and events show it: no payload, hence no personal data. */
export function jobResource(job: JobState): JobResource {
  return {
    id: job.id,
    queue: job.queue as QueueName,
    type: job.type,
    status: job.status,
    priority: job.priority,
    attempts: job.attempts,
    maxAttempts: job.maxAttempts,
    tenantId: job.tenantId,
    idempotencyKey: job.idempotencyKey,
    createdAt: job.createdAt.toISOString(),
    startedAt: job.startedAt?.toISOString() ?? null,
    finishedAt: job.finishedAt?.toISOString() ?? null,
    result: job.result,
    error: job.error,
    scheduledFor: job.scheduledFor?.toISOString() ?? null,
    flowId: job.flowId,
    delivery: job.delivery ?? null,
  };
}
