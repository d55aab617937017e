import type { Sql } from '../database.ts';
import { conditions, type ListFilter } from './conditions.ts';

export const redriveRunStatuses = ['running', 'completed', 'stopped'] as const;
export type RedriveRunStatus = (typeof redriveRunStatuses)[number];

/** Which letters a run is for; times are ISO texts. */
export interface RedriveFilter {
  queue?: string | undefined;
  type?: string | undefined;
  reason?: string | undefined;
  code?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

export interface RedriveRunRow {
  id: string;
  /** Of whose letters; null: everybody's. */
  tenantId: string | null;
  filter: RedriveFilter;
  ratePerSecond: number;
  status: RedriveRunStatus;
  total: number;
  redriven: number;
  skipped: number;
  afterAt: Date | null;
  afterId: string | null;
  createdBy: string;
  roles: string[];
  requestId: string | null;
  createdAt: Date;
  finishedAt: Date | null;
  stoppedBy: string | null;
}

const columns = `r.id, r.tenant_id AS "tenantId", r.filter, r.rate_per_second AS "ratePerSecond", r.status, r.total, r.redriven,
  r.skipped, r.after_at AS "afterAt", r.after_id AS "afterId", r.created_by AS "createdBy", r.roles,
  r.request_id AS "requestId", r.created_at AS "createdAt", r.finished_at AS "finishedAt", r.stopped_by AS "stoppedBy"`;

/** The condition of a run, or of what would be one: letters that die after it began are not its business. */
export function openLettersOf(filter: RedriveFilter, tenantId: string | null, before: Date): ListFilter {
  const { from, to, ...rest } = filter;
  const until = to === undefined ? before : new Date(Math.min(Date.parse(to), before.getTime()));
  return { ...rest, from: from === undefined ? undefined : new Date(from), to: until, status: 'open', tenantId };
}

export async function countDeadLetters(sql: Sql, filter: ListFilter): Promise<number> {
  const where = conditions('d', filter, null);
  const [row] = await sql.query<{ count: number }>(
    `count-dead-letters-${where.name}`,
    `SELECT count(*)::int AS count FROM dead_letters d ${where.text}`,
    where.values,
  );
  return row?.count ?? 0;
}

export async function insertRedriveRun(
  sql: Sql,
  run: Pick<
    RedriveRunRow,
    'id' | 'tenantId' | 'filter' | 'ratePerSecond' | 'total' | 'createdBy' | 'roles' | 'requestId' | 'createdAt'
  >,
): Promise<RedriveRunRow> {
  const [row] = await sql.query<RedriveRunRow>(
    'insert-redrive-run',
    `INSERT INTO redrive_runs AS r (id, tenant_id, filter, rate_per_second, total, created_by, roles, request_id, created_at)
     VALUES ($1::uuid, $2, $3::jsonb, $4, $5, $6, $7, $8, $9) RETURNING ${columns}`,
    [
      run.id,
      run.tenantId,
      JSON.stringify(run.filter),
      run.ratePerSecond,
      run.total,
      run.createdBy,
      run.roles,
      run.requestId,
      run.createdAt,
    ],
  );
  if (row === undefined) throw new Error('the redrive run was not written');
  return row;
}

export async function findRedriveRun(sql: Sql, id: string, tenantId: string | null): Promise<RedriveRunRow | null> {
  const [row] = await sql.query<RedriveRunRow>(
    'find-redrive-run',
    `SELECT ${columns} FROM redrive_runs r WHERE r.id = $1::uuid AND ($2::text IS NULL OR r.tenant_id = $2)`,
    [id, tenantId],
  );
  return row ?? null;
}

export async function listRunningRedrives(sql: Sql): Promise<RedriveRunRow[]> {
  return sql.query(
    'list-running-redrives',
    `SELECT ${columns} FROM redrive_runs r WHERE r.status = 'running' ORDER BY r.id`,
  );
}

/** Counts one letter, in the transaction that redrives it. False when the run was stopped: roll it back. */
export async function advanceRedriveRun(
  sql: Sql,
  id: string,
  letter: { id: string; createdAt: Date },
  outcome: 'redriven' | 'skipped',
): Promise<boolean> {
  const rows = await sql.query(
    'advance-redrive-run',
    `UPDATE redrive_runs SET redriven = redriven + CASE WHEN $4 = 'redriven' THEN 1 ELSE 0 END,
       skipped = skipped + CASE WHEN $4 = 'skipped' THEN 1 ELSE 0 END, after_at = $2, after_id = $3::uuid
     WHERE id = $1::uuid AND status = 'running' RETURNING id`,
    [id, letter.createdAt, letter.id, outcome],
  );
  return rows.length === 1;
}

/** Ends a run that is running. Null when it has ended. */
export async function endRedriveRun(
  sql: Sql,
  id: string,
  how: { status: 'completed' | 'stopped'; by: string | null },
): Promise<RedriveRunRow | null> {
  const [row] = await sql.query<RedriveRunRow>(
    'end-redrive-run',
    `UPDATE redrive_runs r SET status = $2, stopped_by = $3, finished_at = clock_timestamp()
     WHERE r.id = $1::uuid AND r.status = 'running' RETURNING ${columns}`,
    [id, how.status, how.by],
  );
  return row ?? null;
}
