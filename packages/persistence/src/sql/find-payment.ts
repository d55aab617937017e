import type { Sql } from '../database.ts';

/** The payment that a payment-process job of this tenant made; its status tells whether there can be one yet. */
export async function findPaymentOfJob(
  sql: Sql,
  jobId: string,
  tenantId: string,
): Promise<{ status: string; paymentIntentId: string | null } | null> {
  const [row] = await sql.query<{ status: string; paymentIntentId: string | null }>(
    'find-payment-of-job',
    `SELECT status, result->>'paymentIntentId' AS "paymentIntentId" FROM critical_jobs
     WHERE id = $1 AND tenant_id = $2 AND type = 'payment-process'`,
    [jobId, tenantId],
  );
  return row ?? null;
}

/** The tenant whose job made the object of that id at the provider; null when the ledger does not know it. */
export async function findOwnerOfEffect(sql: Sql, provider: string, providerId: string): Promise<string | null> {
  const [row] = await sql.query<{ tenantId: string }>(
    'find-owner-of-effect',
    `SELECT tenant_id AS "tenantId" FROM effects WHERE provider = $1 AND provider_id = $2 LIMIT 1`,
    [provider, providerId],
  );
  return row?.tenantId ?? null;
}
