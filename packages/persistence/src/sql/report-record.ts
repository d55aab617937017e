import type { Sql } from '../database.ts';

/** A finished report as it is noted. */
export interface ReportRecord {
  id: string;
  jobId: string;
  tenantId: string;
  kind: string;
  format: string;
  from: Date;
  to: Date;
  /** Below REPORT_STORAGE_URL. */
  location: string;
  rows: number;
  bytes: number;
}

const columns = `r.id, r.job_id AS "jobId", r.tenant_id AS "tenantId", r.kind, r.format, r.from_time AS "from", r.to_time AS "to",
  r.location, r.rows, r.bytes::float8 AS bytes`;

/** The report of a job; null when none is finished. */
export async function findReportOfJob(sql: Sql, jobId: string): Promise<ReportRecord | null> {
  const rows = await sql.query<ReportRecord>(
    'find-report-of-job',
    `SELECT ${columns} FROM reports r WHERE r.job_id = $1::uuid`,
    [jobId],
  );
  return rows[0] ?? null;
}

/** A report of this tenant, or of anybody where `tenantId` is null. `deletedAt` is set when its file was cleaned up. */
export async function findReport(
  sql: Sql,
  id: string,
  tenantId: string | null,
): Promise<(ReportRecord & { deletedAt: Date | null }) | null> {
  const [row] = await sql.query<ReportRecord & { deletedAt: Date | null }>(
    'find-report',
    `SELECT ${columns}, r.deleted_at AS "deletedAt" FROM reports r
     WHERE r.id = $1::uuid AND ($2::text IS NULL OR r.tenant_id = $2)`,
    [id, tenantId],
  );
  return row ?? null;
}

/** Notes a report. A job has one: of two attempts that ran at once the last one wrote the file, so its numbers count. */
export async function recordReport(sql: Sql, report: ReportRecord): Promise<void> {
  const { id, jobId, tenantId, kind, format, from, to, location, rows, bytes } = report;
  await sql.query(
    'record-report',
    `INSERT INTO reports (id, job_id, tenant_id, kind, format, from_time, to_time, location, rows, bytes)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (job_id) DO UPDATE SET location = EXCLUDED.location, rows = EXCLUDED.rows, bytes = EXCLUDED.bytes`,
    [id, jobId, tenantId, kind, format, from, to, location, rows, bytes],
  );
}
