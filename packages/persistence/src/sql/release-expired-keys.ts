import type { Sql } from '../database.ts';

/** Frees the keys of jobs whose idempotency window is over; the jobs stay. */
export async function releaseExpiredKeys(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.query(
    'release-expired-keys',
    `UPDATE critical_jobs SET idempotency_key = NULL, idempotency_expires_at = NULL
     WHERE id = ANY($1::uuid[]) AND idempotency_expires_at < now()`,
    [ids],
  );
}
