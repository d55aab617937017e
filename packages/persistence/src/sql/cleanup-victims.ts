import type { Sql } from '../database.ts';
import { type CleanupTable, cleanupRules } from './cleanup-rules.ts';

/** Where a batch ended: the age and key of its last row, as texts. */
export type CleanupPosition = readonly string[];

export interface CleanupBatch {
  table: CleanupTable;
  /** What is younger stays. */
  cutoff: Date;
  /** Null: of all tenants. */
  tenantId: string | null;
  /** Null: from the oldest. */
  after: CleanupPosition | null;
  limit: number;
}

/** The rows of one batch by their positions, oldest first; fewer than `limit` when it was the last. */
export async function findVictims(sql: Sql, batch: CleanupBatch): Promise<CleanupPosition[]> {
  const { name, select, values } = selection(batch);
  const rows = await sql.query<{ position: string[] }>(`cleanup-find-${name}`, select, values);
  return rows.map((row) => row.position);
}

/**
 * Removes one batch in one short statement, and returns what it removed. A row that somebody holds is left for the next
 * run: nobody waits for a cleanup, nor a cleanup for anybody.
 * @throws RangeError for `reports`, whose files must go first
 */
export async function removeVictims(sql: Sql, batch: CleanupBatch): Promise<CleanupPosition[]> {
  if (batch.table === 'reports') throw new RangeError('reports are not removed but marked');
  const rule = cleanupRules[batch.table];
  const { name, select, values } = selection(batch);
  const same = rule.key.map(({ column }) => `t.${column} = v.${column}`);
  const rows = await sql.query<{ position: string[] }>(
    `cleanup-remove-${name}`,
    `WITH victims AS MATERIALIZED (${select} FOR UPDATE OF t SKIP LOCKED),
     ${(rule.with ?? []).map((statement, index) => `with_${index} AS (${statement}), `).join('')}
     removed AS (DELETE FROM ${batch.table} t USING victims v WHERE ${[...same, `t.${rule.age} = v.${rule.age}`].join(' AND ')})
     SELECT position FROM victims v ORDER BY ${ordering('v', batch.table)}`,
    values,
  );
  return rows.map((row) => row.position);
}

/** Reports of one batch whose files are to be removed. */
export async function findOldReports(
  sql: Sql,
  batch: Omit<CleanupBatch, 'table'>,
): Promise<{ id: string; location: string; position: CleanupPosition }[]> {
  const { name, select, values } = selection({ ...batch, table: 'reports' });
  return sql.query(
    `cleanup-old-reports-${name}`,
    `SELECT v.id, r.location, v.position FROM (${select}) v JOIN reports r ON r.id = v.id ORDER BY ${ordering('v', 'reports')}`,
    values,
  );
}

export async function markReportsDeleted(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.query('mark-reports-deleted', `UPDATE reports SET deleted_at = now() WHERE id = ANY($1::uuid[])`, [ids]);
}

/**
 * The SELECT of a batch. A keyset and not an offset: removed rows are not walked over again. Each combination of
 * conditions is a statement of its own, so that the planner sees which index serves it.
 */
function selection({ table, cutoff, tenantId, after, limit }: CleanupBatch) {
  const rule = cleanupRules[table];
  const values: unknown[] = [cutoff, limit];
  const where = [`t.${rule.age} < $1`, rule.removable];
  if (tenantId !== null) {
    if (rule.tenant === null) throw new RangeError(`${table} belongs to no tenant`);
    values.push(tenantId);
    where.push(`${rule.tenant} = $${values.length}`);
  }
  const columns = [rule.age, ...rule.key.map(({ column }) => column)];
  if (after !== null) {
    const casts = ['timestamptz', ...rule.key.map(({ type }) => type)];
    const first = values.length + 1;
    values.push(...after);
    const place = casts.map((cast, index) => `$${first + index}::${cast}`);
    where.push(`(${columns.map((column) => `t.${column}`).join(', ')}) > (${place.join(', ')})`);
  }
  const name = [table, tenantId === null ? 'all' : 'own', after === null ? 'first' : 'next'].join('-');
  const select = `SELECT ${columns.map((column) => `t.${column}`).join(', ')},
      ARRAY[${columns.map((column) => `t.${column}::text`).join(', ')}] AS position
    FROM ${table} t WHERE ${where.join(' AND ')} ORDER BY ${ordering('t', table)} LIMIT $2`;
  return { name, select, values };
}

function ordering(alias: string, table: CleanupTable): string {
  const rule = cleanupRules[table];
  return [rule.age, ...rule.key.map(({ column }) => column)].map((column) => `${alias}.${column}`).join(', ');
}
