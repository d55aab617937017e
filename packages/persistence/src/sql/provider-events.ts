import type { Sql } from '../database.ts';

/** What a provider told us. `payload` holds no personal data. */
export interface NewProviderEvent {
  provider: string;
  eventId: string;
  type: string;
  objectId: string | null;
  jobId: string | null;
  payload: object;
  occurredAt: Date;
}

/** False when the event is known: providers tell things more than once. */
export async function insertProviderEvent(sql: Sql, event: NewProviderEvent): Promise<boolean> {
  const rows = await sql.query(
    'insert-provider-event',
    `INSERT INTO provider_events (provider, event_id, type, object_id, job_id, payload, occurred_at, processed_at)
     VALUES ($1, $2, $3, $4, $5::uuid, $6::jsonb, $7, now())
     ON CONFLICT (provider, event_id) DO NOTHING RETURNING event_id`,
    [
      event.provider,
      event.eventId,
      event.type,
      event.objectId,
      event.jobId,
      JSON.stringify(event.payload),
      event.occurredAt,
    ],
  );
  return rows.length === 1;
}

/** Makes a waiting job due now. False when it does not wait. */
export async function wakeCriticalJob(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql.query(
    'wake-critical-job',
    `UPDATE critical_jobs SET run_at = least(run_at, now()), dispatched_at = NULL
     WHERE id = $1::uuid AND status = 'pending' RETURNING id`,
    [id],
  );
  return rows.length === 1;
}

export interface ProviderEntry {
  provider: string;
  providerId: string;
  operation: string;
  /** Minor units. */
  amount: number;
  currency: string;
  status: 'unknown' | 'confirmed' | 'rejected';
  providerStatus: string;
  paymentIntentId: string | null;
  occurredAt: Date;
}

/**
 * What was done at the provider and not by us, once by its id there; of two tellings the later counts. It belongs to
 * the tenant of its payment, or to `otherwise`.
 */
export async function recordProviderEntry(sql: Sql, entry: ProviderEntry, otherwise: string): Promise<void> {
  // No unique index covers what has no job: without the lock two events at once would make two rows.
  await sql.query('lock-provider-object', `SELECT pg_advisory_xact_lock(hashtextextended($1 || $2, 0))`, [
    entry.provider,
    entry.providerId,
  ]);
  await sql.query(
    'record-provider-entry',
    `WITH updated AS (
       UPDATE effects SET status = $4, code = $5, amount = $6::bigint, currency = $7, last_attempt_at = $8,
         settled_at = CASE WHEN $4 = 'unknown' THEN NULL ELSE $8::timestamptz END
       WHERE provider = $1 AND provider_id = $2 AND origin = 'provider'
         AND (last_attempt_at < $8 OR last_attempt_at = $8 AND status = 'unknown')
       RETURNING id)
     INSERT INTO effects (id, name, origin, provider, operation, status, request, request_hash, provider_id, code, amount,
       currency, tenant_id, first_attempt_at, last_attempt_at, settled_at)
     SELECT gen_random_uuid(), $3 || ' ' || $2, 'provider', $1, $3, $4, '{}'::jsonb, sha256('{}'), $2, $5, $6::bigint, $7,
       COALESCE((SELECT tenant_id FROM effects WHERE provider = $1 AND provider_id = $9 LIMIT 1), $10), $8, $8,
       CASE WHEN $4 = 'unknown' THEN NULL ELSE $8::timestamptz END
     WHERE NOT EXISTS (SELECT 1 FROM effects WHERE provider = $1 AND provider_id = $2)`,
    [
      entry.provider,
      entry.providerId,
      entry.operation,
      entry.status,
      entry.providerStatus,
      entry.amount,
      entry.currency,
      entry.occurredAt,
      entry.paymentIntentId,
      otherwise,
    ],
  );
}

/**
 * A confirmed effect of a job that is over came back (a refund that the bank refused, a reversed transfer). The job's
 * end stays what it was; the ledger says the truth. An event from before the confirmation says nothing.
 */
export async function recordLateTurn(
  sql: Sql,
  turn: { jobId: string; provider: string; providerId: string; providerStatus: string; occurredAt: Date },
): Promise<void> {
  await sql.query(
    'record-late-turn',
    `UPDATE effects e SET status = 'rejected', code = $4, settled_at = $5, last_attempt_at = $5
     FROM critical_jobs j
     WHERE j.id = e.job_id AND j.finished_at IS NOT NULL AND e.job_id = $1::uuid AND e.provider = $2
       AND e.provider_id = $3 AND e.status = 'confirmed' AND date_trunc('second', e.settled_at) <= $5`,
    [turn.jobId, turn.provider, turn.providerId, turn.providerStatus, turn.occurredAt],
  );
}
