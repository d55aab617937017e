import type { Sql } from '../database.ts';

export interface ReportPeriod {
  from: Date;
  /** The first moment after it. */
  to: Date;
  /** Null: of all tenants. */
  tenantId: string | null;
}

/** What moved for one venue in one currency; minor units. */
export interface SettlementSums {
  tenantId: string;
  /** Upper case. */
  currency: string;
  payments: bigint;
  gross: bigint;
  refunds: bigint;
  refunded: bigint;
  /** Taken by banks for disputes, less what they gave back. */
  disputed: bigint;
  /** Application fees kept of payments. */
  fees: bigint;
  /** Application fees given back with refunds. */
  feesReturned: bigint;
  /** From the platform to the venue's account. */
  transferred: bigint;
  /** From the venue's account to its bank. */
  paidOut: bigint;
}

type Texts = { [Key in keyof SettlementSums]: string };

/**
 * The books of a period, from the ledger alone. A movement counts when its job completed in the period, since a confirmed
 * effect only says that the provider has the object: a debit may still fail. What was done in the provider's dashboard
 * counts when it was settled. A refund belongs to the venue whose payment it is of, whoever asked for it.
 *
 * Fees that go back with a refund are not told by Stripe on the refund: they are the share of the payment that is refunded,
 * rounded, and never more than the fee (https://docs.stripe.com/api/refunds/create, `refund_application_fee`).
 */
export async function sumSettlement(sql: Sql, period: ReportPeriod): Promise<SettlementSums[]> {
  const rows = await sql.query<Texts>('report-settlement', statement, [period.from, period.to, period.tenantId]);
  return rows.map((row) => ({
    tenantId: row.tenantId,
    currency: row.currency,
    payments: BigInt(row.payments),
    gross: BigInt(row.gross),
    refunds: BigInt(row.refunds),
    refunded: BigInt(row.refunded),
    disputed: BigInt(row.disputed),
    fees: BigInt(row.fees),
    feesReturned: BigInt(row.feesReturned),
    transferred: BigInt(row.transferred),
    paidOut: BigInt(row.paidOut),
  }));
}

const booked = `e.provider = 'stripe' AND e.status = 'confirmed' AND e.amount IS NOT NULL AND e.currency IS NOT NULL
  AND e.operation IN ('payment_intents.confirm', 'payment_intents.create', 'refunds.create', 'disputes', 'transfers.create', 'payouts.create')`;

const paymentOf = (effect: string) =>
  `COALESCE(${effect}.response->>'paymentIntentId', ${effect}.memo->>'paymentIntentId')`;

/** The share of its payment's fee that a refund gives back. */
const feeShare = `round(p.fee * r.amount / p.amount)`;

const statement = `
  WITH moved AS MATERIALIZED (
    SELECT e.tenant_id, upper(e.currency) AS currency, e.operation, e.amount, ${paymentOf('e')} AS payment_id,
      COALESCE((j.payload->>'applicationFeeAmount')::bigint, 0) AS fee
    FROM critical_jobs j JOIN effects e ON e.job_id = j.id
    WHERE j.status = 'completed' AND j.finished_at >= $1 AND j.finished_at < $2 AND ${booked}
    UNION ALL
    SELECT e.tenant_id, upper(e.currency), e.operation, e.amount, ${paymentOf('e')}, 0
    FROM effects e
    WHERE e.job_id IS NULL AND ${booked} AND COALESCE(e.settled_at, e.created_at) >= $1 AND COALESCE(e.settled_at, e.created_at) < $2
  ),
  owned AS (
    SELECT COALESCE(p.tenant_id, m.tenant_id) AS tenant_id, m.currency, m.operation, m.amount, m.fee
    FROM moved m
    LEFT JOIN LATERAL (
      SELECT e.tenant_id FROM effects e
      WHERE m.operation IN ('refunds.create', 'disputes') AND e.provider = 'stripe' AND e.provider_id = m.payment_id
        AND e.operation IN ('payment_intents.confirm', 'payment_intents.create')
      LIMIT 1
    ) p ON true
  ),
  paid AS (
    SELECT e.provider_id, e.tenant_id, upper(e.currency) AS currency, e.amount::numeric AS amount,
      (j.payload->>'applicationFeeAmount')::numeric AS fee
    FROM (SELECT DISTINCT payment_id FROM moved WHERE operation = 'refunds.create') m
    JOIN effects e ON e.provider = 'stripe' AND e.provider_id = m.payment_id AND e.operation IN ('payment_intents.confirm', 'payment_intents.create')
    JOIN critical_jobs j ON j.id = e.job_id
    WHERE j.payload->>'connectedAccountId' IS NOT NULL AND (j.payload->>'applicationFeeAmount')::numeric > 0
  ),
  returned AS (
    SELECT p.tenant_id, p.currency, LEAST(p.fee, SUM(${feeShare}))
      - LEAST(p.fee, COALESCE(SUM(${feeShare}) FILTER (WHERE r.at < $1), 0)) AS amount
    FROM paid p
    JOIN (
      SELECT ${paymentOf('e')} AS payment_id, e.amount, j.finished_at AS at
      FROM effects e JOIN critical_jobs j ON j.id = e.job_id
      WHERE e.provider = 'stripe' AND e.operation = 'refunds.create' AND e.status = 'confirmed'
        AND j.status = 'completed' AND j.finished_at < $2
    ) r ON r.payment_id = p.provider_id
    GROUP BY p.provider_id, p.tenant_id, p.currency, p.fee
  ),
  entries AS (
    SELECT tenant_id, currency, operation, amount::numeric AS amount, fee::numeric AS fee, 0::numeric AS fee_returned FROM owned
    UNION ALL
    SELECT tenant_id, currency, 'fee returned', 0, 0, amount FROM returned
  )
  SELECT tenant_id AS "tenantId", currency,
    COUNT(*) FILTER (WHERE operation IN ('payment_intents.confirm', 'payment_intents.create'))::text AS payments,
    COALESCE(SUM(amount) FILTER (WHERE operation IN ('payment_intents.confirm', 'payment_intents.create')), 0)::text AS gross,
    COUNT(*) FILTER (WHERE operation = 'refunds.create')::text AS refunds,
    COALESCE(SUM(amount) FILTER (WHERE operation = 'refunds.create'), 0)::text AS refunded,
    COALESCE(SUM(amount) FILTER (WHERE operation = 'disputes'), 0)::text AS disputed,
    COALESCE(SUM(fee) FILTER (WHERE operation IN ('payment_intents.confirm', 'payment_intents.create')), 0)::text AS fees,
    SUM(fee_returned)::text AS "feesReturned",
    COALESCE(SUM(amount) FILTER (WHERE operation = 'transfers.create'), 0)::text AS transferred,
    COALESCE(SUM(amount) FILTER (WHERE operation = 'payouts.create'), 0)::text AS "paidOut"
  FROM entries
  WHERE $3::text IS NULL OR tenant_id = $3
  GROUP BY tenant_id, currency
  ORDER BY tenant_id, currency`;
