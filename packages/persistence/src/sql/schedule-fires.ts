import type { FireStatus, JobStatus } from '@queue-service/contracts';
import type { Sql } from '../database.ts';
import type { ScheduleRow } from './schedules.ts';

/** A fire to record. (schedule, time) makes it happen once. */
export interface NewFire {
  scheduleId: string;
  fireAt: Date;
  status: FireStatus;
  jobId: string | null;
  reason: string | null;
  createdAt: Date;
}

/** Records fires; answers those that were not recorded before. Only these may be acted upon. */
export async function insertFires(
  sql: Sql,
  fires: readonly NewFire[],
): Promise<{ scheduleId: string; fireAt: Date }[]> {
  return sql.query(
    'insert-fires',
    `INSERT INTO schedule_fires (schedule_id, fire_at, status, job_id, reason, created_at)
     SELECT r."scheduleId", r."fireAt", r.status, r."jobId", r.reason, r."createdAt"
     FROM jsonb_to_recordset($1::jsonb) AS r("scheduleId" uuid, "fireAt" timestamptz, status text, "jobId" uuid, reason text,
       "createdAt" timestamptz)
     ON CONFLICT DO NOTHING RETURNING schedule_id AS "scheduleId", fire_at AS "fireAt"`,
    [JSON.stringify(fires)],
  );
}

/** A fire whose job is to be handed to its queue, with what the job is made of. `payload` is sealed. */
export type OwedFire = Pick<
  ScheduleRow,
  'tenantId' | 'queue' | 'type' | 'payload' | 'payloadVersion' | 'options' | 'jitterMs'
> & {
  scheduleId: string;
  fireAt: Date;
  jobId: string;
};

const owed = `f.schedule_id AS "scheduleId", f.fire_at AS "fireAt", f.job_id AS "jobId", s.tenant_id AS "tenantId", s.queue,
  s.type, s.payload, s.payload_version AS "payloadVersion", s.options, s.jitter_ms AS "jitterMs"`;

/**
 * Fires that were decided before `decidedBefore` and are not marked as handed over, for queues that can take jobs.
 * `ended`: the job was handed over and has ended since; only the mark is owed.
 */
export async function listOwedFires(
  sql: Sql,
  queues: readonly string[],
  decidedBefore: Date,
  limit: number,
): Promise<(OwedFire & { ended: boolean })[]> {
  return sql.query(
    'list-owed-fires',
    `SELECT ${owed}, j.finished_at IS NOT NULL AS ended
     FROM schedule_fires f JOIN schedules s ON s.id = f.schedule_id LEFT JOIN jobs j ON j.id = f.job_id
     WHERE f.status = 'due' AND f.created_at < $2 AND s.queue = ANY($1::text[]) ORDER BY f.fire_at LIMIT $3`,
    [queues, decidedBefore, limit],
  );
}

export interface FirePosition {
  fireAt: Date;
  scheduleId: string;
}

/**
 * Fires of one queue since `since` whose job history does not know to have ended, in order, a page after a position: what
 * a Redis that lost its data may have lost with it.
 */
export async function pageUnendedFires(
  sql: Sql,
  queue: string,
  after: FirePosition,
  limit: number,
): Promise<OwedFire[]> {
  return sql.query(
    'page-unended-fires',
    `SELECT ${owed} FROM schedule_fires f JOIN schedules s ON s.id = f.schedule_id LEFT JOIN jobs j ON j.id = f.job_id
     WHERE f.status = 'fired' AND f.fire_at >= $2 AND (f.fire_at, f.schedule_id) > ($2, $3::uuid) AND s.queue = $1
       AND j.finished_at IS NULL
     ORDER BY f.fire_at, f.schedule_id LIMIT $4`,
    [queue, after.fireAt, after.scheduleId, limit],
  );
}

/** A fire that waits, the oldest of its schedule. */
export interface QueuedFire {
  scheduleId: string;
  fireAt: Date;
  queue: string;
  lastJobId: string | null;
}

/** @param after schedule id; a page in their order */
export async function pageQueuedFires(sql: Sql, after: string, limit: number): Promise<QueuedFire[]> {
  return sql.query(
    'page-queued-fires',
    `SELECT f.schedule_id AS "scheduleId", min(f.fire_at) AS "fireAt", s.queue, s.last_job_id AS "lastJobId"
     FROM schedule_fires f JOIN schedules s ON s.id = f.schedule_id
     WHERE f.status = 'queued' AND f.schedule_id > $1::uuid
     GROUP BY f.schedule_id, s.queue, s.last_job_id ORDER BY f.schedule_id LIMIT $2`,
    [after, limit],
  );
}

/** How many fires of each schedule wait. */
export async function countQueuedFires(sql: Sql, scheduleIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await sql.query<{ id: string; count: number }>(
    'count-queued-fires',
    `SELECT schedule_id AS id, count(*)::int AS count FROM schedule_fires
     WHERE status = 'queued' AND schedule_id = ANY($1::uuid[]) GROUP BY schedule_id`,
    [scheduleIds],
  );
  return new Map(rows.map(({ id, count }) => [id, count]));
}

/** Gives a waiting fire its job. Null when it does not wait any more. Call it with the schedule locked. */
export async function releaseFire(
  sql: Sql,
  fire: { scheduleId: string; fireAt: Date },
  jobId: string,
  at: Date,
): Promise<OwedFire | null> {
  const [row] = await sql.query<OwedFire>(
    'release-fire',
    `UPDATE schedule_fires f SET status = 'due', job_id = $3, reason = NULL, created_at = $4 FROM schedules s
     WHERE f.schedule_id = $1 AND f.fire_at = $2 AND f.status = 'queued' AND s.id = f.schedule_id RETURNING ${owed}`,
    [fire.scheduleId, fire.fireAt, jobId, at],
  );
  return row ?? null;
}

/** What became of a fire that was owed. */
export interface FireEnd {
  scheduleId: string;
  fireAt: Date;
  status: 'fired' | 'skipped';
  reason: string | null;
}

export async function settleFires(sql: Sql, ends: readonly FireEnd[], at: Date): Promise<void> {
  await sql.query(
    'settle-fires',
    `UPDATE schedule_fires f SET status = r.status, reason = COALESCE(r.reason, f.reason), fired_at = CASE WHEN r.status = 'fired' THEN $2::timestamptz END
     FROM jsonb_to_recordset($1::jsonb) AS r("scheduleId" uuid, "fireAt" timestamptz, status text, reason text)
     WHERE f.schedule_id = r."scheduleId" AND f.fire_at = r."fireAt" AND f.status = 'due'`,
    [JSON.stringify(ends), at],
  );
}

/** What PostgreSQL knows of the jobs of fires. */
export interface FiredJobState {
  id: string;
  /** Handing it over is still owed. */
  owed: boolean;
  ended: boolean;
  /** It has a row in the ledger, which is the truth; Redis need not be asked. */
  inLedger: boolean;
}

export async function stateOfFiredJobs(sql: Sql, ids: readonly string[]): Promise<FiredJobState[]> {
  return sql.query(
    'state-of-fired-jobs',
    `SELECT l.id, EXISTS (SELECT 1 FROM schedule_fires f WHERE f.job_id = l.id AND f.status = 'due') AS owed,
       COALESCE(c.finished_at, j.finished_at) IS NOT NULL AS ended, c.id IS NOT NULL AS "inLedger"
     FROM unnest($1::uuid[]) AS l(id) LEFT JOIN critical_jobs c ON c.id = l.id LEFT JOIN jobs j ON j.id = l.id`,
    [ids],
  );
}

/** A fire as its history shows it. */
export interface FireRow extends NewFire {
  firedAt: Date | null;
  jobStatus: JobStatus | null;
}

/** The fires of a schedule, the latest first, before a time. */
export async function listFires(sql: Sql, scheduleId: string, before: Date | null, limit: number): Promise<FireRow[]> {
  return sql.query(
    'list-fires',
    `SELECT f.schedule_id AS "scheduleId", f.fire_at AS "fireAt", f.status, f.job_id AS "jobId", f.reason,
       f.created_at AS "createdAt", f.fired_at AS "firedAt", COALESCE(c.status, j.status) AS "jobStatus"
     FROM schedule_fires f LEFT JOIN critical_jobs c ON c.id = f.job_id LEFT JOIN jobs j ON j.id = f.job_id
     WHERE f.schedule_id = $1 AND f.fire_at < COALESCE($2, 'infinity'::timestamptz) ORDER BY f.fire_at DESC LIMIT $3`,
    [scheduleId, before, limit],
  );
}
