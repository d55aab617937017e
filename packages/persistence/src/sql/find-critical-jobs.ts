import type { Sql } from '../database.ts';
import { type CriticalJobRow, criticalJobColumns } from './critical-job-row.ts';

/** The jobs that hold these keys, with the hash of what was posted (hex). */
export async function findCriticalJobsByKey(
  sql: Sql,
  keys: readonly { tenantId: string; idempotencyKey: string }[],
): Promise<(CriticalJobRow & { requestHash: string; expired: boolean })[]> {
  return sql.query(
    'find-critical-jobs-by-key',
    `SELECT ${criticalJobColumns}, encode(j.request_hash, 'hex') AS "requestHash", j.idempotency_expires_at < now() AS expired
     FROM critical_jobs j
     JOIN unnest($1::text[], $2::text[]) AS k(tenant_id, key) ON j.tenant_id = k.tenant_id AND j.idempotency_key = k.key`,
    [keys.map((key) => key.tenantId), keys.map((key) => key.idempotencyKey)],
  );
}

export async function findCriticalJobs(sql: Sql, ids: readonly string[]): Promise<CriticalJobRow[]> {
  return sql.query(
    'find-critical-jobs',
    `SELECT ${criticalJobColumns} FROM critical_jobs j WHERE j.id = ANY($1::uuid[])`,
    [ids],
  );
}
