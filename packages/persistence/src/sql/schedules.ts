import type { CatchUpPolicy, CreateSchedule, JobStatus, OverlapPolicy } from '@queue-service/contracts';
import type { Sql } from '../database.ts';
import { conditions, type ListFilter, type ListPosition } from './conditions.ts';

/** A row of `schedules`. `payload` is sealed. */
export interface ScheduleRow {
  id: string;
  tenantId: string;
  name: string;
  queue: string;
  type: string;
  payload: Record<string, unknown>;
  payloadVersion: number;
  options: NonNullable<CreateSchedule['options']>;
  cron: string | null;
  everyMs: number | null;
  timezone: string;
  startsAt: Date | null;
  endsAt: Date | null;
  active: boolean;
  overlap: OverlapPolicy;
  catchUp: CatchUpPolicy;
  catchUpWindowMs: number;
  jitterMs: number;
  version: number;
  nextRun: Date | null;
  lastRun: Date | null;
  lastJobId: string | null;
  createdBy: string | null;
  createdAt: Date;
  updatedAt: Date;
}

/** With the status of the last fire's job; null when nothing was fired, `fired` when the job is not kept any more. */
export type ScheduleWithStatus = ScheduleRow & { lastStatus: JobStatus | 'fired' | null };

const columns = `s.id, s.tenant_id AS "tenantId", s.name, s.queue, s.type, s.payload, s.payload_version AS "payloadVersion",
  s.options, s.cron, s.every_ms::float8 AS "everyMs", s.timezone, s.starts_at AS "startsAt", s.ends_at AS "endsAt", s.active,
  s.overlap, s.catch_up AS "catchUp", s.catch_up_window_ms::float8 AS "catchUpWindowMs", s.jitter_ms AS "jitterMs", s.version,
  s.next_run AS "nextRun", s.last_run AS "lastRun", s.last_job_id AS "lastJobId", s.created_by AS "createdBy",
  s.created_at AS "createdAt", s.updated_at AS "updatedAt"`;

const withStatus = `SELECT ${columns}, COALESCE(c.status, j.status, s.last_status) AS "lastStatus"
  FROM schedules s LEFT JOIN critical_jobs c ON c.id = s.last_job_id LEFT JOIN jobs j ON j.id = s.last_job_id`;

/** What a user decides of a schedule, and what follows from it. */
export type ScheduleWrite = Pick<
  ScheduleRow,
  | 'name'
  | 'payloadVersion'
  | 'options'
  | 'cron'
  | 'everyMs'
  | 'timezone'
  | 'startsAt'
  | 'endsAt'
  | 'active'
  | 'overlap'
  | 'catchUp'
  | 'catchUpWindowMs'
  | 'jitterMs'
  | 'nextRun'
> & {
  /** Sealed. */
  payload: unknown;
};

export type NewSchedule = ScheduleWrite &
  Pick<ScheduleRow, 'id' | 'tenantId' | 'queue' | 'type' | 'createdBy' | 'createdAt'>;

const written = (write: ScheduleWrite) => [
  write.name,
  JSON.stringify(write.payload),
  write.payloadVersion,
  JSON.stringify(write.options),
  write.cron,
  write.everyMs,
  write.timezone,
  write.startsAt,
  write.endsAt,
  write.active,
  write.overlap,
  write.catchUp,
  write.catchUpWindowMs,
  write.jitterMs,
  write.nextRun,
];

/** False when the tenant has a schedule of that name: nothing was stored. */
export async function insertSchedule(sql: Sql, schedule: NewSchedule): Promise<boolean> {
  const rows = await sql.query(
    'insert-schedule',
    `INSERT INTO schedules (name, payload, payload_version, options, cron, every_ms, timezone, starts_at, ends_at, active, overlap,
       catch_up, catch_up_window_ms, jitter_ms, next_run, id, tenant_id, queue, type, created_by, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $21)
     ON CONFLICT (tenant_id, name) DO NOTHING RETURNING id`,
    [
      ...written(schedule),
      schedule.id,
      schedule.tenantId,
      schedule.queue,
      schedule.type,
      schedule.createdBy,
      schedule.createdAt,
    ],
  );
  return rows.length > 0;
}

/** False when the tenant has another schedule of that name. Call it with the row locked. */
export async function updateSchedule(sql: Sql, id: string, write: ScheduleWrite, at: Date): Promise<boolean> {
  const rows = await sql.query(
    'update-schedule',
    `UPDATE schedules s SET name = $1, payload = $2, payload_version = $3, options = $4, cron = $5, every_ms = $6, timezone = $7,
       starts_at = $8, ends_at = $9, active = $10, overlap = $11, catch_up = $12, catch_up_window_ms = $13, jitter_ms = $14,
       next_run = $15, updated_at = $17, version = version + 1
     WHERE s.id = $16
       AND NOT EXISTS (SELECT 1 FROM schedules other WHERE other.tenant_id = s.tenant_id AND other.name = $1 AND other.id <> s.id)
     RETURNING s.id`,
    [...written(write), id, at],
  );
  return rows.length > 0;
}

/** With its fires. False when there was none. */
export async function deleteSchedule(sql: Sql, id: string, tenantId: string | null): Promise<boolean> {
  const rows = await sql.query(
    'delete-schedule',
    'DELETE FROM schedules WHERE id = $1 AND ($2::text IS NULL OR tenant_id = $2) RETURNING id',
    [id, tenantId],
  );
  return rows.length > 0;
}

export async function findSchedule(sql: Sql, id: string, tenantId: string | null): Promise<ScheduleWithStatus | null> {
  const [row] = await sql.query<ScheduleWithStatus>(
    'find-schedule',
    `${withStatus} WHERE s.id = $1 AND ($2::text IS NULL OR s.tenant_id = $2)`,
    [id, tenantId],
  );
  return row ?? null;
}

export type ScheduleListFilter = Omit<ListFilter, 'status' | 'from' | 'to'>;

/** Newest first, after a position. */
export async function listSchedules(
  sql: Sql,
  filter: ScheduleListFilter,
  after: ListPosition | null,
  limit: number,
): Promise<ScheduleWithStatus[]> {
  const where = conditions('s', filter, after);
  return sql.query(
    `list-schedules-${where.name}`,
    `${withStatus} ${where.text} ORDER BY s.created_at DESC, s.id DESC LIMIT $${where.values.length + 1}`,
    [...where.values, limit],
  );
}

/** Locks a schedule until the end of the transaction: its fires are decided one after the other. */
export async function lockSchedule(sql: Sql, id: string, tenantId: string | null): Promise<ScheduleRow | null> {
  const [row] = await sql.query<ScheduleRow>(
    'lock-schedule',
    `SELECT ${columns} FROM schedules s WHERE s.id = $1 AND ($2::text IS NULL OR s.tenant_id = $2) FOR UPDATE`,
    [id, tenantId],
  );
  return row ?? null;
}

/** Locks those of the given schedules that are due and that nobody else has locked. */
export async function lockDueSchedules(
  sql: Sql,
  ids: readonly string[],
  now: Date,
): Promise<(ScheduleRow & { nextRun: Date })[]> {
  return sql.query(
    'lock-due-schedules',
    `SELECT ${columns} FROM schedules s WHERE s.id = ANY($1::uuid[]) AND s.active AND s.next_run <= $2
     ORDER BY s.id FOR UPDATE SKIP LOCKED`,
    [ids, now],
  );
}

/** Locks the schedules that are longest overdue, leaving out those that somebody else has locked. */
export async function lockOverdueSchedules(
  sql: Sql,
  dueBefore: Date,
  limit: number,
): Promise<(ScheduleRow & { nextRun: Date })[]> {
  return sql.query(
    'lock-overdue-schedules',
    `SELECT ${columns} FROM schedules s WHERE s.active AND s.next_run <= $1
     ORDER BY s.next_run LIMIT $2 FOR UPDATE SKIP LOCKED`,
    [dueBefore, limit],
  );
}

export interface UpcomingRun {
  id: string;
  nextRun: Date;
}

/** Schedules that fire until `until`, the earliest first, a page after a position. */
export async function pageUpcoming(sql: Sql, after: UpcomingRun, until: Date, limit: number): Promise<UpcomingRun[]> {
  return sql.query(
    'page-upcoming',
    `SELECT id, next_run AS "nextRun" FROM schedules
     WHERE active AND next_run <= $3 AND next_run >= $1 AND (next_run, id) > ($1, $2::uuid)
     ORDER BY next_run, id LIMIT $4`,
    [after.nextRun, after.id, until, limit],
  );
}

/** What a decision leaves on a schedule. A null `lastRun` leaves the last run as it is. */
export interface ScheduleMove {
  id: string;
  nextRun: Date | null;
  lastRun: Date | null;
  lastJobId: string | null;
}

/** Call it with the rows locked. */
export async function moveSchedules(sql: Sql, moves: readonly ScheduleMove[]): Promise<void> {
  await sql.query(
    'move-schedules',
    `UPDATE schedules s SET next_run = r."nextRun", last_run = COALESCE(r."lastRun", s.last_run),
       last_job_id = CASE WHEN r."lastRun" IS NULL THEN s.last_job_id ELSE r."lastJobId" END,
       last_status = CASE WHEN r."lastRun" IS NULL THEN s.last_status ELSE 'fired' END
     FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, "nextRun" timestamptz, "lastRun" timestamptz, "lastJobId" uuid)
     WHERE s.id = r.id`,
    [JSON.stringify(moves)],
  );
}
