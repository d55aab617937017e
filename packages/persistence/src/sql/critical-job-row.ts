import type { FailureRecord, JobStatus } from '@queue-service/contracts';
import type { DeadLetterReason } from './insert-dead-letter.ts';

/** One attempt as the ledger, history and dead letters keep it. Times are ISO texts. */
export interface AttemptRecord {
  attempt: number;
  worker: string;
  startedAt: string;
  endedAt: string;
  outcome: string;
  error: FailureRecord | null;
}

/** What a job ends as when its open effects turn out not to have happened. */
export interface SettlingVerdict {
  error: FailureRecord;
  reason: DeadLetterReason;
}

/** A row of `critical_jobs` without its payload. */
export interface CriticalJobRow {
  id: string;
  queue: string;
  type: string;
  status: JobStatus;
  priority: number;
  attempts: number;
  maxAttempts: number;
  timeoutMs: number;
  tenantId: string;
  idempotencyKey: string | null;
  result: Record<string, unknown> | null;
  error: FailureRecord | null;
  flowId: string | null;
  flowStep: string | null;
  webhookUrl: string | null;
  requestId: string | null;
  traceId: string | null;
  traceparent: string | null;
  fencing: number;
  crashes: number;
  leaseUntil: Date | null;
  runAt: Date;
  scheduledFor: Date | null;
  cancelRequestedAt: Date | null;
  /** How it fails once it is certain that no effect of it happened; until then providers are only asked. */
  settling: SettlingVerdict | null;
  settlingSince: Date | null;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
}

/** The columns of a row, under their TypeScript names; `j` is the alias of the table. */
export const criticalJobColumns = `j.id, j.queue, j.type, j.status, j.priority, j.attempts, j.max_attempts AS "maxAttempts",
  j.timeout_ms AS "timeoutMs", j.tenant_id AS "tenantId", j.idempotency_key AS "idempotencyKey", j.result, j.error,
  j.flow_id AS "flowId", j.flow_step AS "flowStep", j.webhook_url AS "webhookUrl", j.request_id AS "requestId",
  j.trace_id AS "traceId", j.traceparent, j.fencing::int AS fencing, j.crashes, j.lease_until AS "leaseUntil", j.run_at AS "runAt",
  j.scheduled_for AS "scheduledFor", j.cancel_requested_at AS "cancelRequestedAt",
  j.settling, j.settling_since AS "settlingSince", j.created_at AS "createdAt",
  j.started_at AS "startedAt", j.finished_at AS "finishedAt"`;
