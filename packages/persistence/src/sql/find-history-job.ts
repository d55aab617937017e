import type { FailureRecord, JobDelivery, JobStatus } from '@queue-service/contracts';
import type { Sql } from '../database.ts';

/** A job as every list and look-up needs it, from either table. */
export interface HistoryJobRow {
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
  delivery?: JobDelivery | null;
  flowId: string | null;
  scheduledFor: Date | null;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
}

/** Columns of {@link HistoryJobRow}; `j` is the alias of either table. */
export const jobColumns = (delivery: string) => `j.id, j.queue, j.type, j.status, j.priority, j.attempts,
  j.max_attempts AS "maxAttempts", j.tenant_id AS "tenantId", j.idempotency_key AS "idempotencyKey", j.result, j.error,
  ${delivery} AS delivery, j.flow_id AS "flowId", j.scheduled_for AS "scheduledFor", j.created_at AS "createdAt",
  j.started_at AS "startedAt", j.finished_at AS "finishedAt"`;

export async function findHistoryJob(sql: Sql, id: string): Promise<HistoryJobRow | null> {
  const [row] = await sql.query<HistoryJobRow>(
    'find-history-job',
    `SELECT ${jobColumns('j.delivery')} FROM jobs j WHERE j.id = $1`,
    [id],
  );
  return row ?? null;
}
