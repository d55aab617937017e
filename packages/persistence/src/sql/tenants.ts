import type { Sql } from '../database.ts';

/** A tenant's share of each queue. */
export interface TenantLimits {
  tenantId: string;
  /** Of the turns when there is not enough for all: 2 gets twice what 1 gets. */
  weight: number;
  /** Jobs that may run at once in one queue, over the whole fleet; null for no limit. */
  maxRunning: number | null;
  /** Jobs that may start in one queue in a second; null for no limit. */
  maxPerSecond: number | null;
}

export interface TenantRow extends TenantLimits {
  updatedBy: string | null;
  updatedAt: Date;
}

const limits = `id AS "tenantId", weight, max_running AS "maxRunning", max_per_second AS "maxPerSecond"`;
const columns = `${limits}, updated_by AS "updatedBy", updated_at AS "updatedAt"`;

/** Null for a tenant with the defaults. With `lock`, the row stays as it is until the transaction ends. */
export async function findTenant(sql: Sql, id: string, lock = false): Promise<TenantRow | null> {
  const [row] = await sql.query<TenantRow>(
    `find-tenant${lock ? '-for-update' : ''}`,
    `SELECT ${columns} FROM tenants WHERE id = $1${lock ? ' FOR UPDATE' : ''}`,
    [id],
  );
  return row ?? null;
}

export async function setTenantLimits(sql: Sql, set: TenantLimits, updatedBy: string): Promise<TenantRow> {
  const [row] = await sql.query<TenantRow>(
    'set-tenant-limits',
    `INSERT INTO tenants AS t (id, weight, max_running, max_per_second, updated_by) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (id) DO UPDATE SET weight = EXCLUDED.weight, max_running = EXCLUDED.max_running,
       max_per_second = EXCLUDED.max_per_second, updated_by = EXCLUDED.updated_by, updated_at = now(),
       revision = t.revision + 1
     RETURNING ${columns}`,
    [set.tenantId, set.weight, set.maxRunning, set.maxPerSecond, updatedBy],
  );
  if (row === undefined) throw new Error(`the limits of ${set.tenantId} were not written`);
  return row;
}

/** All tenants that ever had limits set, and the state of the table that this is. */
export async function readTenantLimits(sql: Sql): Promise<{ revision: number; limits: TenantLimits[] }> {
  const rows = await sql.query<TenantLimits & { all: number }>(
    'read-tenant-limits',
    `SELECT ${limits}, (sum(revision) OVER ())::int AS "all" FROM tenants`,
  );
  return { revision: rows[0]?.all ?? 0, limits: rows.map(({ all: _all, ...row }) => row) };
}

/** Names a state of the table: it grows by one with each change. */
export async function tenantLimitsRevision(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ revision: number }>(
    'tenant-limits-revision',
    'SELECT coalesce(sum(revision), 0)::int AS revision FROM tenants',
  );
  return row?.revision ?? 0;
}
