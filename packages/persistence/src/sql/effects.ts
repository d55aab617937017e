import type { Sql } from '../database.ts';

export type EffectStatus = 'intended' | 'confirmed' | 'rejected' | 'unknown';

/** A row of `effects`. `request` and `response` may hold sealed values. */
export interface EffectRow {
  id: string;
  jobId: string;
  name: string;
  provider: string;
  operation: string;
  status: EffectStatus;
  generation: number;
  request: unknown;
  requestHash: string;
  memo: Record<string, unknown> | null;
  response: Record<string, unknown> | null;
  providerId: string | null;
  code: string | null;
  message: string | null;
  sends: number;
  firstAttemptAt: Date;
  lastAttemptAt: Date;
}

const columns = `e.id, e.job_id AS "jobId", e.name, e.provider, e.operation, e.status, e.generation, e.request,
  encode(e.request_hash, 'hex') AS "requestHash", e.memo, e.response, e.provider_id AS "providerId", e.code, e.message,
  e.sends, e.first_attempt_at AS "firstAttemptAt", e.last_attempt_at AS "lastAttemptAt"`;

/** Holds only while the claim does: whoever lost it neither intends nor sends an effect again. */
const claimHolds = (job: string, fencing: string) =>
  `EXISTS (SELECT 1 FROM critical_jobs j WHERE j.id = ${job} AND j.fencing = ${fencing} AND j.status = 'processing')`;

export interface IntendedEffect {
  id: string;
  jobId: string;
  fencing: number;
  name: string;
  provider: string;
  operation: string;
  request: unknown;
  /** Hex. */
  requestHash: string;
  amount: number | null;
  currency: string | null;
  tenantId: string;
}

/** The effect as it stands: newly intended (`fresh`), or what an earlier attempt left. Null when the claim is lost. */
export async function intendEffect(sql: Sql, effect: IntendedEffect): Promise<(EffectRow & { fresh: boolean }) | null> {
  const values = [
    effect.id,
    effect.jobId,
    effect.fencing,
    effect.name,
    effect.provider,
    effect.operation,
    JSON.stringify(effect.request),
    effect.requestHash,
    effect.amount,
    effect.currency,
    effect.tenantId,
  ];
  const [row] = await sql.query<EffectRow & { fresh: boolean }>(
    'intend-effect',
    `WITH made AS (
       INSERT INTO effects AS e (id, job_id, name, provider, operation, status, request, request_hash, amount, currency,
         tenant_id, fencing, sends, first_attempt_at, last_attempt_at)
       SELECT $1::uuid, $2::uuid, $4, $5, $6, 'intended', $7::jsonb, decode($8, 'hex'), $9::bigint, $10, $11, $3::bigint, 1,
         clock_timestamp(), clock_timestamp()
       WHERE ${claimHolds('$2::uuid', '$3::bigint')}
       ON CONFLICT (job_id, name) DO NOTHING
       RETURNING ${columns}
     )
     SELECT made.*, true AS fresh FROM made
     UNION ALL
     SELECT ${columns}, false FROM effects e
     WHERE e.job_id = $2::uuid AND e.name = $4 AND NOT EXISTS (SELECT 1 FROM made) AND ${claimHolds('$2::uuid', '$3::bigint')}`,
    values,
  );
  return row ?? null;
}

/** Marks that the request leaves once more, under a new key when `newKey`. False when the claim is lost. */
export async function resendEffect(
  sql: Sql,
  effect: { id: string; jobId: string; fencing: number; newKey: boolean },
): Promise<EffectRow | null> {
  const [row] = await sql.query<EffectRow>(
    'resend-effect',
    `UPDATE effects e SET status = 'intended', code = NULL, message = NULL, sends = e.sends + 1, fencing = $3::bigint,
       generation = e.generation + CASE WHEN $4 THEN 1 ELSE 0 END,
       first_attempt_at = CASE WHEN $4 THEN clock_timestamp() ELSE e.first_attempt_at END,
       last_attempt_at = clock_timestamp()
     WHERE e.id = $1::uuid AND ${claimHolds('$2::uuid', '$3::bigint')}
     RETURNING ${columns}`,
    [effect.id, effect.jobId, effect.fencing, effect.newKey],
  );
  return row ?? null;
}

/** False when the claim is lost. */
export async function rememberEffect(
  sql: Sql,
  effect: { id: string; jobId: string; fencing: number; memo: unknown },
): Promise<boolean> {
  const rows = await sql.query(
    'remember-effect',
    `UPDATE effects SET memo = $4::jsonb WHERE id = $1::uuid AND ${claimHolds('$2::uuid', '$3::bigint')} RETURNING id`,
    [effect.id, effect.jobId, effect.fencing, JSON.stringify(effect.memo)],
  );
  return rows.length === 1;
}

export interface SettledEffect {
  id: string;
  /** The generation that was sent: a late answer to a burnt key says nothing about the present one. */
  generation: number;
  status: EffectStatus;
  providerId: string | null;
  response: unknown;
  code: string | null;
  message: string | null;
}

/**
 * Records an outcome. Not bound to the claim: what the provider answered is true whoever heard it. A confirmed effect
 * is never overwritten.
 */
export async function settleEffect(sql: Sql, effect: SettledEffect): Promise<void> {
  await sql.query(
    'settle-effect',
    `UPDATE effects SET status = $2, provider_id = COALESCE($3, provider_id), response = COALESCE($4::jsonb, response), code = $5,
       message = $6, last_attempt_at = clock_timestamp(),
       settled_at = CASE WHEN $2 IN ('confirmed', 'rejected') THEN clock_timestamp() END
     WHERE id = $1::uuid AND generation = $7 AND status <> 'confirmed'`,
    [
      effect.id,
      effect.status,
      effect.providerId,
      effect.response === null ? null : JSON.stringify(effect.response),
      effect.code,
      effect.message,
      effect.generation,
    ],
  );
}

export async function listEffects(sql: Sql, jobId: string): Promise<EffectRow[]> {
  return sql.query(
    'list-effects',
    `SELECT ${columns} FROM effects e WHERE e.job_id = $1::uuid ORDER BY e.created_at, e.name`,
    [jobId],
  );
}
