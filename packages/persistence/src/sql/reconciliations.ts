import type { BookDifferenceKind, BookDifferenceStatus } from '@queue-service/contracts';
import type { Sql } from '../database.ts';
import { conditions, type ListFilter, type ListPosition } from './conditions.ts';

/** One comparison. `id` is that of its job. */
export interface ReconciliationRow {
  id: string;
  from: Date;
  to: Date;
  ledgerRows: number;
  providerRows: number;
  ledgerOnly: number;
  providerOnly: number;
  amountDiffers: number;
  statusDiffers: number;
  createdAt: Date;
}

/** One difference as a run found it. Amounts in minor units. */
export interface NewBookDifference {
  /** The same difference, found again, has the same. */
  key: string;
  kind: BookDifferenceKind;
  provider: string;
  object: string;
  effectId: string | null;
  jobId: string | null;
  providerId: string | null;
  ledgerAmount: number | null;
  ledgerCurrency: string | null;
  ledgerState: string | null;
  providerAmount: number | null;
  providerCurrency: string | null;
  providerStatus: string | null;
  happenedAt: Date;
}

export interface BookDifferenceRow extends NewBookDifference {
  id: string;
  status: BookDifferenceStatus;
  /** The last run that found it. */
  runId: string;
  resolvedBy: string | null;
  resolvedReason: string | null;
  resolvedAt: Date | null;
  lastSeenAt: Date;
  createdAt: Date;
}

const runColumns = `r.id, r.from_time AS "from", r.to_time AS "to", r.ledger_rows AS "ledgerRows", r.provider_rows AS "providerRows",
  r.ledger_only AS "ledgerOnly", r.provider_only AS "providerOnly", r.amount_differs AS "amountDiffers",
  r.status_differs AS "statusDiffers", r.created_at AS "createdAt"`;

const differenceColumns = `d.id, d.key, d.kind, d.provider, d.object, d.effect_id AS "effectId", d.job_id AS "jobId",
  d.provider_id AS "providerId", d.ledger_amount::float8 AS "ledgerAmount", d.ledger_currency AS "ledgerCurrency",
  d.ledger_state AS "ledgerState", d.provider_amount::float8 AS "providerAmount", d.provider_currency AS "providerCurrency",
  d.provider_status AS "providerStatus", d.happened_at AS "happenedAt", d.status, d.run_id AS "runId",
  d.resolved_by AS "resolvedBy", d.resolved_reason AS "resolvedReason", d.resolved_at AS "resolvedAt",
  d.last_seen_at AS "lastSeenAt", d.created_at AS "createdAt"`;

/**
 * Keeps a run with what it found, in the caller's transaction. A difference that is known is seen again; one that was
 * gone is open again; one that a person accepted stays accepted. What lies in the period and was not found is gone.
 * @returns how many differences are open now, of all runs
 */
export async function recordReconciliation(
  sql: Sql,
  run: Omit<ReconciliationRow, 'createdAt'>,
  differences: readonly NewBookDifference[],
): Promise<number> {
  const { id, from, to, ledgerRows, providerRows, ledgerOnly, providerOnly, amountDiffers, statusDiffers } = run;
  await sql.query(
    'record-reconciliation',
    `INSERT INTO reconciliations AS r (id, from_time, to_time, ledger_rows, provider_rows, ledger_only, provider_only,
       amount_differs, status_differs)
     VALUES ($1::uuid, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (id) DO UPDATE SET ledger_rows = EXCLUDED.ledger_rows, provider_rows = EXCLUDED.provider_rows,
       ledger_only = EXCLUDED.ledger_only, provider_only = EXCLUDED.provider_only,
       amount_differs = EXCLUDED.amount_differs, status_differs = EXCLUDED.status_differs`,
    [id, from, to, ledgerRows, providerRows, ledgerOnly, providerOnly, amountDiffers, statusDiffers],
  );
  await sql.query(
    'record-book-differences',
    `INSERT INTO book_differences AS d (id, key, kind, provider, object, effect_id, job_id, provider_id, ledger_amount,
       ledger_currency, ledger_state, provider_amount, provider_currency, provider_status, happened_at, run_id)
     SELECT gen_random_uuid(), n.key, n.kind, n.provider, n.object, n."effectId", n."jobId", n."providerId",
       n."ledgerAmount", n."ledgerCurrency", n."ledgerState", n."providerAmount", n."providerCurrency",
       n."providerStatus", n."happenedAt", $1::uuid
     FROM jsonb_to_recordset($2::jsonb) AS n(key text, kind text, provider text, object text, "effectId" uuid,
       "jobId" uuid, "providerId" text, "ledgerAmount" bigint, "ledgerCurrency" text, "ledgerState" text,
       "providerAmount" bigint, "providerCurrency" text, "providerStatus" text, "happenedAt" timestamptz)
     ON CONFLICT (key) DO UPDATE SET run_id = EXCLUDED.run_id, last_seen_at = now(),
       ledger_amount = EXCLUDED.ledger_amount, ledger_currency = EXCLUDED.ledger_currency,
       ledger_state = EXCLUDED.ledger_state, provider_amount = EXCLUDED.provider_amount,
       provider_currency = EXCLUDED.provider_currency, provider_status = EXCLUDED.provider_status,
       status = CASE WHEN d.status = 'gone' THEN 'open' ELSE d.status END,
       resolved_at = CASE WHEN d.status = 'gone' THEN NULL ELSE d.resolved_at END`,
    [id, JSON.stringify(differences)],
  );
  await sql.query(
    'forget-book-differences',
    `UPDATE book_differences SET status = 'gone', resolved_at = now()
     WHERE status = 'open' AND run_id <> $1::uuid AND happened_at >= $2 AND happened_at < $3`,
    [id, from, to],
  );
  return countOpenBookDifferences(sql);
}

export async function countOpenBookDifferences(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ open: number }>(
    'count-open-book-differences',
    `SELECT count(*)::int AS open FROM book_differences WHERE status = 'open'`,
  );
  return row?.open ?? 0;
}

/** Newest first. */
export async function listReconciliations(
  sql: Sql,
  after: ListPosition | null,
  limit: number,
): Promise<ReconciliationRow[]> {
  const where = conditions('r', { tenantId: null }, after);
  return sql.query(
    `list-reconciliations-${where.name}`,
    `SELECT ${runColumns} FROM reconciliations r ${where.text}
     ORDER BY r.created_at DESC, r.id DESC LIMIT $${where.values.length + 1}`,
    [...where.values, limit],
  );
}

export async function findReconciliation(sql: Sql, id: string): Promise<ReconciliationRow | null> {
  const [row] = await sql.query<ReconciliationRow>(
    'find-reconciliation',
    `SELECT ${runColumns} FROM reconciliations r WHERE r.id = $1::uuid`,
    [id],
  );
  return row ?? null;
}

/** Newest first. */
export async function listBookDifferences(
  sql: Sql,
  filter: Pick<ListFilter, 'status' | 'from' | 'to'>,
  after: ListPosition | null,
  limit: number,
): Promise<BookDifferenceRow[]> {
  const where = conditions('d', { ...filter, tenantId: null }, after);
  return sql.query(
    `list-book-differences-${where.name}`,
    `SELECT ${differenceColumns} FROM book_differences d ${where.text}
     ORDER BY d.created_at DESC, d.id DESC LIMIT $${where.values.length + 1}`,
    [...where.values, limit],
  );
}

/** A person has explained the difference. Null when it is not open. */
export async function acceptBookDifference(
  sql: Sql,
  { id, by, reason }: { id: string; by: string; reason: string },
): Promise<BookDifferenceRow | null> {
  const [row] = await sql.query<BookDifferenceRow>(
    'accept-book-difference',
    `UPDATE book_differences d SET status = 'accepted', resolved_by = $2, resolved_reason = $3, resolved_at = now()
     WHERE d.id = $1::uuid AND d.status = 'open' RETURNING ${differenceColumns}`,
    [id, by, reason],
  );
  return row ?? null;
}
