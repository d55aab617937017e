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

/**
 * Writes many intents in one statement. Answers each, by the id it was asked under, with the effect as it stands: newly
 * intended (`fresh`), or what an earlier attempt left. An intent whose claim is lost is missing from the answer, and so is
 * one that somebody else wrote meanwhile: asked once more, it is found.
 */
export async function intendEffects(
  sql: Sql,
  effects: readonly IntendedEffect[],
): Promise<Map<string, EffectRow & { fresh: boolean }>> {
  const rows = await sql.query<EffectRow & { askedId: string; fresh: boolean }>(
    'intend-effects',
    `WITH held AS (
       SELECT r.* FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, "jobId" uuid, fencing bigint, name text, provider text,
         operation text, request jsonb, "requestHash" text, amount bigint, currency text, "tenantId" text)
       JOIN critical_jobs j ON j.id = r."jobId" AND j.fencing = r.fencing AND j.status = 'processing'
     ), made AS (
       INSERT INTO effects AS e (id, job_id, name, provider, operation, status, request, request_hash, amount, currency,
         tenant_id, fencing, sends, first_attempt_at, last_attempt_at)
       SELECT r.id, r."jobId", r.name, r.provider, r.operation, 'intended', r.request, decode(r."requestHash", 'hex'),
         r.amount, r.currency, r."tenantId", r.fencing, 1, clock_timestamp(), clock_timestamp()
       FROM held r
       ON CONFLICT (job_id, name) DO NOTHING
       RETURNING ${columns}
     )
     SELECT made.*, made.id AS "askedId", true AS fresh FROM made
     UNION ALL
     SELECT ${columns}, r.id, false FROM held r JOIN effects e ON e.job_id = r."jobId" AND e.name = r.name`,
    [JSON.stringify(effects)],
  );
  return new Map(rows.map(({ askedId, ...row }) => [askedId, row]));
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
 * Records outcomes, many in one statement. Not bound to the claim: what the provider answered is true whoever heard it. A
 * confirmed effect is never overwritten.
 */
export async function settleEffects(sql: Sql, effects: readonly SettledEffect[]): Promise<void> {
  await sql.query(
    'settle-effects',
    `UPDATE effects e SET status = r.status, provider_id = COALESCE(r."providerId", e.provider_id),
       response = COALESCE(NULLIF(r.response, 'null'), e.response), code = r.code, message = r.message,
       last_attempt_at = clock_timestamp(),
       settled_at = CASE WHEN r.status IN ('confirmed', 'rejected') THEN clock_timestamp() END
     FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, generation int, status text, "providerId" text, response jsonb,
       code text, message text)
     WHERE e.id = r.id AND e.generation = r.generation AND e.status <> 'confirmed'`,
    [JSON.stringify(effects)],
  );
}

export async function listEffects(sql: Sql, jobId: string): Promise<EffectRow[]> {
  return sql.query(
    'list-effects',
    `SELECT ${columns} FROM effects e WHERE e.job_id = $1::uuid ORDER BY e.created_at, e.name`,
    [jobId],
  );
}
