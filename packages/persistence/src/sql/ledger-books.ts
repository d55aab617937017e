import type { Sql } from '../database.ts';
import type { EffectStatus } from './effects.ts';

/** An effect as the books see it, with what its job says. Amounts in minor units. */
export interface BookedEffect {
  effectId: string;
  jobId: string | null;
  name: string;
  provider: string;
  operation: string;
  status: EffectStatus;
  providerId: string | null;
  /** Of a payout: the connected account it was made in. */
  account: string | null;
  amount: number | null;
  currency: string | null;
  /** Null for what was done at the provider and not by a job. */
  jobStatus: 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled' | null;
  createdAt: Date;
}

const columns = `e.id AS "effectId", e.job_id AS "jobId", e.name, e.provider, e.operation, e.status, e.provider_id AS "providerId",
  CASE WHEN e.operation = 'payouts.create' THEN j.payload->>'destinationAccountId' END AS account,
  e.amount::float8 AS amount, e.currency, j.status AS "jobStatus", e.created_at AS "createdAt"`;

const booked = `e.operation IN ('payment_intents.confirm', 'payment_intents.create', 'refunds.create', 'transfers.create', 'payouts.create', 'tokens.mint')`;

/**
 * What the books of a period hold: what was begun in it, and what a job that ended in it had done before, since that is
 * when its outcome became final.
 */
export async function listBookedEffects(sql: Sql, from: Date, to: Date): Promise<BookedEffect[]> {
  return sql.query(
    'list-booked-effects',
    `SELECT ${columns} FROM effects e LEFT JOIN critical_jobs j ON j.id = e.job_id
     WHERE e.provider IN ('stripe', 'solana') AND e.created_at >= $1 AND e.created_at < $2 AND ${booked}
     UNION
     SELECT ${columns} FROM critical_jobs j JOIN effects e ON e.job_id = j.id
     WHERE j.finished_at >= $1 AND j.finished_at < $2 AND ${booked}`,
    [from, to],
  );
}

/** The effect that made an object at a provider: by the object's id, else by the job and effect it is marked with. */
export async function findBookedEffect(
  sql: Sql,
  object: { provider: string; providerId: string; jobId: string | null; effect: string | null },
): Promise<BookedEffect | null> {
  const [row] = await sql.query<BookedEffect>(
    'find-booked-effect',
    `SELECT ${columns}, 1 AS rank FROM effects e LEFT JOIN critical_jobs j ON j.id = e.job_id
     WHERE e.provider = $1 AND e.provider_id = $2 AND ${booked}
     UNION ALL
     SELECT ${columns}, 2 FROM effects e JOIN critical_jobs j ON j.id = e.job_id
     WHERE e.provider = $1 AND e.job_id = $3::uuid AND e.name = $4 AND ${booked}
     ORDER BY rank LIMIT 1`,
    [object.provider, object.providerId, object.jobId, object.effect],
  );
  return row ?? null;
}
