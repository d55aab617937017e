import type { Sql } from '../database.ts';

/** The states of `docs/reliability.md`; which may follow which is decided by `transition` in packages/queue. */
export type EffectStatus = 'planned' | 'sent' | 'unknown' | 'confirmed' | 'rejected' | 'void';

/**
 * What workers of versions before the states above wrote; they may still run during a deploy. With a code the last try
 * had ended before anything left, but one before it may have happened.
 */
export const effectStatus = (effect: string) => `CASE ${effect}.status
  WHEN 'intended' THEN CASE WHEN ${effect}.code IS NULL THEN 'sent' WHEN ${effect}.sends > 1 THEN 'unknown' ELSE 'planned' END
  ELSE ${effect}.status END`;

/** A row of `effects`. `request` and `response` may hold sealed values. */
export interface EffectRow {
  id: string;
  jobId: string;
  name: string;
  provider: string;
  operation: string;
  status: EffectStatus;
  /** An earlier send of this generation may have happened, whatever the answer to the last one was. */
  doubted: boolean;
  generation: number;
  request: unknown;
  requestHash: string;
  memo: Record<string, unknown> | null;
  response: Record<string, unknown> | null;
  providerId: string | null;
  code: string | null;
  message: string | null;
  /** Requests that left, or may have, over all generations. */
  sends: number;
  /** The provider's ids of what it refused in earlier generations: they are ours, and say nothing of this one. */
  refusedIds: string[];
  firstAttemptAt: Date;
  lastAttemptAt: Date;
  /** Since the first request of this generation left, in milliseconds of the database's clock. */
  ageMs: number;
  /** Since the last request left or was answered, likewise. */
  silentMs: number;
}

const since = (at: string) => `GREATEST(0, extract(epoch FROM clock_timestamp() - e.${at}) * 1000)::float8`;

const columns = `e.id, e.job_id AS "jobId", e.name, e.provider, e.operation, ${effectStatus('e')} AS status, e.doubted, e.generation,
  e.request, encode(e.request_hash, 'hex') AS "requestHash", e.memo, e.response, e.provider_id AS "providerId", e.code,
  e.message, e.sends, e.refused_ids AS "refusedIds", e.first_attempt_at AS "firstAttemptAt",
  e.last_attempt_at AS "lastAttemptAt", ${since('first_attempt_at')} AS "ageMs", ${since('last_attempt_at')} AS "silentMs"`;

/** Holds only while the claim does: whoever lost it neither intends nor sends an effect again. */
const claimHolds = (job: string, fencing: string) =>
  `EXISTS (SELECT 1 FROM critical_jobs j WHERE j.id = ${job} AND j.fencing = ${fencing} AND j.status = 'processing')`;

export interface FirstSend {
  /** Follows from job and name, so that a row that was lost cannot come back under another key. */
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
 * Writes, many in one statement, that effects are about to be sent for the first time. Answers each by its id with the
 * effect as it is: newly written (`fresh`), or what an earlier attempt left. One whose claim is lost is missing from
 * the answer, and so is one that somebody else wrote meanwhile: asked once more, it is found.
 */
export async function beginEffects(
  sql: Sql,
  effects: readonly FirstSend[],
): Promise<Map<string, EffectRow & { fresh: boolean }>> {
  const rows = await sql.query<EffectRow & { askedId: string; fresh: boolean }>(
    'begin-effects',
    `WITH held AS (
       SELECT r.* FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, "jobId" uuid, fencing bigint, name text, provider text,
         operation text, request jsonb, "requestHash" text, amount bigint, currency text, "tenantId" text)
       JOIN critical_jobs j ON j.id = r."jobId" AND j.fencing = r.fencing AND j.status = 'processing'
       ORDER BY r.id
     ), made AS (
       INSERT INTO effects AS e (id, job_id, name, provider, operation, status, request, request_hash, amount, currency,
         tenant_id, fencing, sends, first_attempt_at, last_attempt_at)
       SELECT r.id, r."jobId", r.name, r.provider, r.operation, 'sent', r.request, decode(r."requestHash", 'hex'),
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

export async function findEffect(sql: Sql, jobId: string, name: string): Promise<EffectRow | null> {
  const [row] = await sql.query<EffectRow>(
    'find-effect',
    `SELECT ${columns} FROM effects e WHERE e.job_id = $1::uuid AND e.name = $2`,
    [jobId, name],
  );
  return row ?? null;
}

export interface NextSend {
  id: string;
  jobId: string;
  fencing: number;
  /** As it was read: whoever has sent since then has the effect. */
  sends: number;
  doubted: boolean;
  /** A new generation, under a new key. */
  newKey: boolean;
  /** Given where nothing has left in this generation yet: what is sent now. */
  request: { value: unknown; hash: string; amount: number | null; currency: string | null; operation: string } | null;
}

/** Writes that the request is about to leave once more. Null when the claim is lost. */
export async function sendEffectAgain(sql: Sql, effect: NextSend): Promise<EffectRow | null> {
  const { request } = effect;
  const [row] = await sql.query<EffectRow>(
    'send-effect-again',
    `UPDATE effects e SET status = 'sent', doubted = $4, sends = e.sends + 1, fencing = $3::bigint,
       generation = e.generation + CASE WHEN $5 THEN 1 ELSE 0 END,
       memo = CASE WHEN $5 OR decode($8, 'hex') <> e.request_hash THEN NULL ELSE e.memo END,
       provider_id = CASE WHEN $5 OR decode($8, 'hex') <> e.request_hash THEN NULL ELSE e.provider_id END,
       request = CASE WHEN $7::jsonb IS NULL THEN e.request ELSE $7::jsonb END,
       request_hash = COALESCE(decode($8, 'hex'), e.request_hash),
       amount = CASE WHEN $7::jsonb IS NULL THEN e.amount ELSE $9::bigint END,
       currency = CASE WHEN $7::jsonb IS NULL THEN e.currency ELSE $10 END,
       operation = COALESCE($11, e.operation),
       first_attempt_at = CASE WHEN $5 OR $7::jsonb IS NOT NULL THEN clock_timestamp() ELSE e.first_attempt_at END,
       last_attempt_at = clock_timestamp()
     WHERE e.id = $1::uuid AND e.sends = $6 AND ${claimHolds('$2::uuid', '$3::bigint')}
     RETURNING ${columns}`,
    [
      effect.id,
      effect.jobId,
      effect.fencing,
      effect.doubted,
      effect.newKey,
      effect.sends,
      request === null ? null : JSON.stringify(request.value),
      request?.hash ?? null,
      request?.amount ?? null,
      request?.currency ?? null,
      request?.operation ?? null,
    ],
  );
  return row ?? null;
}

/**
 * Commits what must be known before a request leaves, and the provider's id where the object exists by now. False when
 * the claim is lost, or the effect was sent again since.
 */
export async function rememberEffect(
  sql: Sql,
  effect: { id: string; jobId: string; fencing: number; sends: number; memo: unknown; providerId: string | null },
): Promise<boolean> {
  const rows = await sql.query(
    'remember-effect',
    `UPDATE effects SET memo = $4::jsonb, provider_id = COALESCE($6, provider_id)
     WHERE id = $1::uuid AND sends = $5 AND ${claimHolds('$2::uuid', '$3::bigint')} RETURNING id`,
    [effect.id, effect.jobId, effect.fencing, JSON.stringify(effect.memo), effect.sends, effect.providerId],
  );
  return rows.length === 1;
}

export interface SettledEffect {
  id: string;
  jobId: string;
  fencing: number;
  /** What was sent, or asked about: an answer to an older request says nothing of the present one. */
  generation: number;
  sends: number;
  status: EffectStatus;
  doubted: boolean;
  providerId: string | null;
  response: unknown;
  /** Null leaves code and message as they are. */
  code: string | null;
  message: string | null;
}

/**
 * Records outcomes, many in one statement, and answers the ids of those that were. `confirmed` is true whoever heard it
 * and when, and is never overwritten; anything else counts only from the holder of the claim, about its last send.
 */
export async function settleEffects(sql: Sql, effects: readonly SettledEffect[]): Promise<Set<string>> {
  const rows = await sql.query<{ id: string }>(
    'settle-effects',
    `WITH r AS (
       SELECT * FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, "jobId" uuid, fencing bigint, generation int, sends int,
         status text, doubted boolean, "providerId" text, response jsonb, code text, message text)
     ), locked AS (
       SELECT e.id FROM effects e JOIN r ON r.id = e.id ORDER BY e.id FOR UPDATE OF e
     )
     UPDATE effects e SET status = r.status, doubted = r.doubted, provider_id = COALESCE(r."providerId", e.provider_id),
       response = COALESCE(NULLIF(r.response, 'null'), e.response),
       code = CASE WHEN r.status = 'confirmed' THEN NULL ELSE COALESCE(r.code, e.code) END,
       message = CASE WHEN r.status = 'confirmed' THEN NULL WHEN r.code IS NULL THEN e.message ELSE r.message END,
       last_attempt_at = clock_timestamp(),
       settled_at = CASE WHEN r.status IN ('confirmed', 'rejected', 'void') THEN clock_timestamp() END
     FROM r JOIN locked ON locked.id = r.id
     WHERE e.id = r.id AND e.generation = r.generation AND e.status <> 'confirmed'
       AND (r.status = 'confirmed' OR e.sends = r.sends AND ${claimHolds('r."jobId"', 'r.fencing')})
     RETURNING e.id`,
    [JSON.stringify(effects)],
  );
  return new Set(rows.map(({ id }) => id));
}

/** What ended without an effect may be asked for again by a redrive: under a new key, and with a request made anew. */
export async function renewEffects(sql: Sql, jobId: string): Promise<void> {
  await sql.query(
    'renew-effects',
    `UPDATE effects SET status = 'planned', doubted = false, generation = generation + 1,
       refused_ids = CASE WHEN provider_id IS NULL THEN refused_ids ELSE refused_ids || provider_id END,
       provider_id = NULL, memo = NULL, response = NULL, code = NULL, message = NULL, settled_at = NULL
     WHERE job_id = $1::uuid AND status IN ('rejected', 'void')`,
    [jobId],
  );
}

/** Whether the worker still holds the claim under which a request is about to leave. */
export async function holdsClaim(sql: Sql, claim: { jobId: string; fencing: number }): Promise<boolean> {
  const [row] = await sql.query<{ held: boolean }>(
    'holds-claim',
    `SELECT EXISTS (SELECT 1 FROM critical_jobs WHERE id = $1::uuid AND fencing = $2::bigint AND status = 'processing'
       AND lease_until > clock_timestamp()) AS held`,
    [claim.jobId, claim.fencing],
  );
  return row?.held === true;
}

export async function listEffects(sql: Sql, jobId: string): Promise<EffectRow[]> {
  return sql.query(
    'list-effects',
    `SELECT ${columns} FROM effects e WHERE e.job_id = $1::uuid ORDER BY e.created_at, e.name`,
    [jobId],
  );
}
