import type { Sql } from '../database.ts';

/** An override of a rate limit. `key`: `default:principal`, `principal:<subject>`, `tenant:<id>` and the like. */
export interface RateLimitRow {
  key: string;
  points: number;
  windowMs: number;
  updatedBy: string | null;
  updatedAt: Date;
}

const columns = 'key, points, window_ms AS "windowMs", updated_by AS "updatedBy", updated_at AS "updatedAt"';

export async function listRateLimits(sql: Sql): Promise<RateLimitRow[]> {
  return sql.query('list-rate-limits', `SELECT ${columns} FROM rate_limits ORDER BY key`);
}

/** Locks the row until the end of the transaction. */
export async function findRateLimit(sql: Sql, key: string): Promise<RateLimitRow | null> {
  const text = `SELECT ${columns} FROM rate_limits WHERE key = $1 FOR UPDATE`;
  return (await sql.query<RateLimitRow>('find-rate-limit', text, [key]))[0] ?? null;
}

export async function putRateLimit(
  sql: Sql,
  { key, points, windowMs, updatedBy }: Omit<RateLimitRow, 'updatedAt'>,
): Promise<RateLimitRow> {
  const [row] = await sql.query<RateLimitRow>(
    'put-rate-limit',
    `INSERT INTO rate_limits (key, points, window_ms, updated_by) VALUES ($1, $2, $3, $4)
     ON CONFLICT (key) DO UPDATE SET points = $2, window_ms = $3, updated_by = $4, updated_at = now()
     RETURNING ${columns}`,
    [key, points, windowMs, updatedBy],
  );
  return row as RateLimitRow;
}

export async function deleteRateLimit(sql: Sql, key: string): Promise<void> {
  await sql.query('delete-rate-limit', 'DELETE FROM rate_limits WHERE key = $1', [key]);
}
