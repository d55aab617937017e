import type { Sql } from '../database.ts';
import type { ReportPeriod } from './report-settlement.ts';

/** A dead letter as a report shows it: no payload, hence no personal data. */
export interface ReportedDeadLetter {
  id: string;
  jobId: string;
  tenantId: string;
  queue: string;
  type: string;
  reason: string;
  status: string;
  code: string | null;
  message: string | null;
  attempts: number;
  redrives: number;
  createdAt: Date;
  resolvedAt: Date | null;
}

/** The next page, oldest first. */
export async function pageDeadLetters(
  sql: Sql,
  period: ReportPeriod,
  after: ReportedDeadLetter | null,
  limit: number,
): Promise<ReportedDeadLetter[]> {
  return sql.query(
    'report-dead-letters',
    `SELECT d.id, d.job_id AS "jobId", d.tenant_id AS "tenantId", d.queue, d.type, d.reason, d.status, d.error->>'code' AS code,
       d.error->>'message' AS message, d.attempts, d.redrives, d.created_at AS "createdAt", d.resolved_at AS "resolvedAt"
     FROM dead_letters d
     WHERE d.created_at >= $1 AND d.created_at < $2 AND ($3::text IS NULL OR d.tenant_id = $3)
       AND (d.created_at, d.id) > ($4::timestamptz, $5::uuid)
     ORDER BY d.created_at, d.id LIMIT $6`,
    [
      period.from,
      period.to,
      period.tenantId,
      after?.createdAt ?? new Date(0),
      after?.id ?? '00000000-0000-0000-0000-000000000000',
      limit,
    ],
  );
}

/** How many letters each error code has, the most frequent first. */
export async function countDeadLettersByCode(
  sql: Sql,
  period: ReportPeriod,
  limit: number,
): Promise<{ code: string; count: number }[]> {
  return sql.query(
    'report-dead-letters-by-code',
    `SELECT COALESCE(d.error->>'code', d.reason) AS code, COUNT(*)::int AS count FROM dead_letters d
     WHERE d.created_at >= $1 AND d.created_at < $2 AND ($3::text IS NULL OR d.tenant_id = $3)
     GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $4`,
    [period.from, period.to, period.tenantId, limit],
  );
}
