import type { FailureRecord } from '@queue-service/contracts';
import type { Sql } from '../database.ts';
import type { AttemptRecord } from './critical-job-row.ts';

export const deadLetterReasons = ['attempts', 'permanent', 'timeout', 'stalled', 'contract'] as const;
export type DeadLetterReason = (typeof deadLetterReasons)[number];

export interface NewDeadLetter {
  jobId: string;
  queue: string;
  type: string;
  tenantId: string;
  reason: DeadLetterReason;
  error: FailureRecord;
  attempts: number;
  maxAttempts: number;
  timeoutMs: number;
  priority: number;
  /** Sealed. */
  payload: unknown;
  payloadVersion: number;
  flowId: string | null;
  flowStep: string | null;
  attemptLog: readonly AttemptRecord[];
}

/** The letter of a job; one that died again after a redrive is opened again. */
export async function insertDeadLetter(sql: Sql, letter: NewDeadLetter): Promise<void> {
  await sql.query(
    'insert-dead-letter',
    `INSERT INTO dead_letters (id, job_id, queue, type, tenant_id, reason, error, attempt_log, attempts, payload,
       payload_version, priority, max_attempts, timeout_ms, flow_id, flow_step)
     VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8, $9::jsonb, $10, $11, $12, $13, $14, $15)
     ON CONFLICT (job_id) DO UPDATE SET status = 'open', reason = EXCLUDED.reason, error = EXCLUDED.error,
       attempt_log = EXCLUDED.attempt_log, attempts = EXCLUDED.attempts, resolved_by = NULL, resolved_reason = NULL,
       resolved_at = NULL, created_at = now()`,
    [
      letter.jobId,
      letter.queue,
      letter.type,
      letter.tenantId,
      letter.reason,
      JSON.stringify(letter.error),
      JSON.stringify(letter.attemptLog),
      letter.attempts,
      JSON.stringify(letter.payload),
      letter.payloadVersion,
      letter.priority,
      letter.maxAttempts,
      letter.timeoutMs,
      letter.flowId,
      letter.flowStep,
    ],
  );
}
