import type { Sql } from '../database.ts';
import { conditions, type ListPosition } from './conditions.ts';
import { type HistoryJobRow, jobColumns } from './find-history-job.ts';

export interface JobListFilter {
  /** Null sees all. */
  tenantId: string | null;
  queue?: string | undefined;
  type?: string | undefined;
  status?: string | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
}

/** Jobs of all queues, newest first, after a position: a keyset, so that the last page costs what the first does. */
export async function listJobs(
  sql: Sql,
  filter: JobListFilter,
  after: ListPosition | null,
  limit: number,
): Promise<HistoryJobRow[]> {
  const where = conditions('j', filter, after);
  const page = (columns: string, table: string) =>
    `(SELECT ${columns} FROM ${table} j ${where.text} ORDER BY j.created_at DESC, j.id DESC LIMIT $${where.values.length + 1})`;
  return sql.query(
    `list-jobs-${where.name}`,
    `SELECT * FROM (${page(jobColumns('NULL::jsonb'), 'critical_jobs')} UNION ALL ${page(jobColumns('j.delivery'), 'jobs')}) AS both_tables
     ORDER BY "createdAt" DESC, id DESC LIMIT $${where.values.length + 1}`,
    [...where.values, limit],
  );
}
