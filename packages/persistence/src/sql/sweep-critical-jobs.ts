import type { Sql } from '../database.ts';

/** What the relay needs to put a job into its queue again. */
export interface DispatchableJob {
  id: string;
  queue: string;
  type: string;
  priority: number;
  tenantId: string;
  runAt: Date;
}

const columns = `id, queue, type, priority, tenant_id AS "tenantId", run_at AS "runAt"`;

/**
 * Jobs that should long be known to Redis and were never marked so: their dispatch failed or was forgotten.
 * @param olderThanMs how long past its due time a job may be before it counts
 */
export async function findUndispatched(sql: Sql, olderThanMs: number, limit: number): Promise<DispatchableJob[]> {
  return sql.query(
    'find-undispatched',
    `SELECT ${columns} FROM critical_jobs
     WHERE status = 'pending' AND dispatched_at IS NULL AND run_at < now() - $1::float8 * interval '1 millisecond'
     ORDER BY run_at LIMIT $2`,
    [olderThanMs, limit],
  );
}

/** Jobs whose worker died with them: the lease ran out and nobody has taken them since. */
export async function findExpiredLeases(sql: Sql, olderThanMs: number, limit: number): Promise<DispatchableJob[]> {
  return sql.query(
    'find-expired-leases',
    `SELECT ${columns} FROM critical_jobs
     WHERE status = 'processing' AND lease_until < now() - $1::float8 * interval '1 millisecond'
     ORDER BY lease_until LIMIT $2`,
    [olderThanMs, limit],
  );
}

/** All unfinished jobs in id order, a page at a time: after Redis has lost them. */
export async function pageUnfinished(sql: Sql, afterId: string, limit: number): Promise<DispatchableJob[]> {
  return sql.query(
    'page-unfinished',
    `SELECT ${columns} FROM critical_jobs WHERE status IN ('pending', 'processing') AND id > $1::uuid ORDER BY id LIMIT $2`,
    [afterId, limit],
  );
}

export async function markDispatched(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.query(
    'mark-dispatched',
    `UPDATE critical_jobs SET dispatched_at = clock_timestamp()
     WHERE id IN (SELECT id FROM critical_jobs WHERE id = ANY($1::uuid[]) AND status = 'pending' ORDER BY id FOR UPDATE SKIP LOCKED)`,
    [ids],
  );
}
