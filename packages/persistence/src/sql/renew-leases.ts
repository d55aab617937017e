import type { Sql } from '../database.ts';

export interface HeldLease {
  id: string;
  cancelRequested: boolean;
}

/** Prolongs the leases that are still held; a claim that is missing from the answer has been lost. */
export async function renewLeases(
  sql: Sql,
  claims: readonly { id: string; fencing: number }[],
  leaseMs: number,
): Promise<HeldLease[]> {
  return sql.query(
    'renew-leases',
    `UPDATE critical_jobs j SET lease_until = clock_timestamp() + $3::float8 * interval '1 millisecond'
     FROM (
       SELECT j.id FROM critical_jobs j JOIN unnest($1::uuid[], $2::bigint[]) AS c(id, fencing) ON j.id = c.id AND j.fencing = c.fencing
       WHERE j.status = 'processing' ORDER BY j.id FOR UPDATE OF j
     ) held
     WHERE j.id = held.id
     RETURNING j.id, j.cancel_requested_at IS NOT NULL AS "cancelRequested"`,
    [claims.map((claim) => claim.id), claims.map((claim) => claim.fencing), leaseMs],
  );
}
