import type { Sql } from '../database.ts';

/** An override of a rate limit. `key`: `default:principal`, `principal:<subject>`, `tenant:<id>` and the like. */
export interface RateLimitRow {
  key: string;
  points: number;
  windowMs: number;
  /** Use of its bucket when it was last looked at. */
  used: number;
  /** When that bucket is whole again; null before the first look. */
  resetAt: Date | null;
  updatedBy: string | null;
  updatedAt: Date;
}

const columns = `key, points, window_ms AS "windowMs", used, reset_at AS "resetAt", updated_by AS "updatedBy",
  updated_at AS "updatedAt"`;

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
  { key, points, windowMs, updatedBy }: Pick<RateLimitRow, 'key' | 'points' | 'windowMs' | 'updatedBy'>,
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

export type RateLimitUse = Pick<RateLimitRow, 'key' | 'used'> & { resetAt: Date };

/** Keeps the use that was seen, of those keys that have an override. */
export async function noteRateLimitUse(sql: Sql, seen: readonly RateLimitUse[]): Promise<void> {
  await sql.query(
    'note-rate-limit-use',
    `UPDATE rate_limits l SET used = s.used, reset_at = s."resetAt"
     FROM jsonb_to_recordset($1::jsonb) AS s(key text, used int, "resetAt" timestamptz) WHERE l.key = s.key`,
    [JSON.stringify(seen)],
  );
}
