import type { Sql } from '../database.ts';

/**
 * Gives a tenant a new secret for the addresses that its jobs and flows name themselves; the one before, if there is one,
 * signs too for a while.
 * @param secret sealed
 * @returns until when the one before signs, null when there is none
 */
export async function rotateSigningSecret(
  sql: Sql,
  tenantId: string,
  secret: unknown,
  overlapSeconds: number,
): Promise<Date | null> {
  const [row] = await sql.query<{ previousUntil: Date | null }>(
    'rotate-signing-secret',
    `INSERT INTO webhook_signing_secrets AS s (tenant_id, secret) VALUES ($1, $2::jsonb)
     ON CONFLICT (tenant_id) DO UPDATE SET secret = EXCLUDED.secret, updated_at = clock_timestamp(),
       previous_secret = CASE WHEN $3::int > 0 THEN s.secret END,
       previous_until = CASE WHEN $3::int > 0 THEN clock_timestamp() + $3::int * interval '1 second' END
     RETURNING previous_until AS "previousUntil"`,
    [tenantId, JSON.stringify(secret), overlapSeconds],
  );
  return row?.previousUntil ?? null;
}

/** Makes the secret of a tenant that has none, so that nothing leaves unsigned. @param secret sealed */
export async function ensureSigningSecret(sql: Sql, tenantId: string, secret: unknown): Promise<void> {
  await sql.query(
    'ensure-signing-secret',
    'INSERT INTO webhook_signing_secrets (tenant_id, secret) VALUES ($1, $2::jsonb) ON CONFLICT (tenant_id) DO NOTHING',
    [tenantId, JSON.stringify(secret)],
  );
}
