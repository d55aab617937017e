import type { Sql } from '../database.ts';

export interface OwedDelivery {
  id: string;
  tenantId: string;
  /** Of the job that delivers it. */
  jobId: string;
}

const owed = 'id, tenant_id AS "tenantId", coalesce(job_id, id) AS "jobId"';

/** Deliveries that no job was made for yet, oldest first. */
export async function listOwedDeliveries(sql: Sql, olderThanMs: number, limit: number): Promise<OwedDelivery[]> {
  return sql.query(
    'list-owed-deliveries',
    `SELECT ${owed} FROM webhook_deliveries
     WHERE status = 'pending' AND dispatched_at IS NULL AND created_at < now() - $1::float8 * interval '1 millisecond'
     ORDER BY created_at LIMIT $2`,
    [olderThanMs, limit],
  );
}

/** Deliveries that have not ended, whether a job was made for them or not, in pages by id. */
export async function pagePendingDeliveries(sql: Sql, afterId: string, limit: number): Promise<OwedDelivery[]> {
  return sql.query(
    'page-pending-deliveries',
    `SELECT ${owed} FROM webhook_deliveries WHERE status = 'pending' AND id > $1::uuid ORDER BY id LIMIT $2`,
    [afterId, limit],
  );
}

/** Marks deliveries as handed to their queue. */
export async function markDeliveriesDispatched(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.query(
    'mark-deliveries-dispatched',
    `UPDATE webhook_deliveries SET dispatched_at = clock_timestamp() WHERE id = ANY($1::uuid[])`,
    [ids],
  );
}
