import type { Database, Sql } from '../database.ts';

/** What a provider told of one receiver of a message. Of the receiver only a keyed hash. */
export interface MessageEvent {
  provider: string;
  eventId: string;
  type: string;
  objectId: string | null;
  jobId: string | null;
  payload: { kind: string | null; recipient: string; code: string | null };
  occurredAt: Date;
}

/** Answers the ids of those that were not known yet: providers tell things more than once. */
export async function insertMessageEvents(sql: Sql, events: readonly MessageEvent[]): Promise<string[]> {
  const rows = await sql.query<{ eventId: string }>(
    'insert-message-events',
    `INSERT INTO provider_events (provider, event_id, type, object_id, job_id, payload, occurred_at, processed_at)
     SELECT DISTINCT ON (provider, "eventId") provider, "eventId", type, "objectId", "jobId", payload, "occurredAt", now()
     FROM jsonb_to_recordset($1::jsonb) AS r(provider text, "eventId" text, type text, "objectId" text, "jobId" uuid,
       payload jsonb, "occurredAt" timestamptz)
     ON CONFLICT (provider, event_id) DO NOTHING RETURNING event_id AS "eventId"`,
    [JSON.stringify(events)],
  );
  return rows.map(({ eventId }) => eventId);
}

const providers = `ARRAY['sendgrid', 'twilio']`;

/**
 * Makes of all that was told of these jobs what each shows as its `delivery`. Called after an event is committed, and after
 * the row of a job is: whichever comes last sees both. The rows are locked first, in a statement of its own, as an UPDATE
 * that waits for another would go on with the events it saw before the wait.
 * @param ranks kinds from the least to the most telling
 */
export async function refreshDeliveries(
  db: Database,
  jobIds: readonly string[],
  ranks: readonly string[],
): Promise<void> {
  const told = await db.query<{ id: string }>(
    'find-told-jobs',
    `SELECT DISTINCT job_id AS id FROM provider_events WHERE job_id = ANY($1::uuid[]) AND provider = ANY(${providers})`,
    [jobIds],
  );
  if (told.length === 0) return;
  const ids = told.map(({ id }) => id);
  await db.transaction(async (sql) => {
    await sql.query('lock-told-jobs', 'SELECT id FROM jobs WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE', [ids]);
    await sql.query(
      'refresh-deliveries',
      `WITH told AS (
         SELECT job_id, provider, payload->>'kind' AS kind, payload->>'recipient' AS recipient, payload->>'code' AS code,
           occurred_at, array_position($2::text[], payload->>'kind') AS rank
         FROM provider_events
         WHERE job_id = ANY($1::uuid[]) AND provider = ANY(${providers}) AND payload->>'kind' IS NOT NULL
       ), counted AS (
         SELECT job_id, jsonb_object_agg(kind, n) AS recipients
         FROM (SELECT job_id, kind, count(DISTINCT recipient) AS n FROM told GROUP BY job_id, kind) AS c GROUP BY job_id
       ), latest AS (
         SELECT job_id, to_char(max(occurred_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at
         FROM told GROUP BY job_id
       ), foremost AS (
         SELECT DISTINCT ON (job_id) job_id, provider, kind, code FROM told
         ORDER BY job_id, rank DESC, occurred_at DESC, code
       )
       UPDATE jobs j SET delivery = jsonb_build_object('provider', f.provider, 'status', f.kind, 'code', f.code,
         'recipients', c.recipients, 'updatedAt', l.at)
       FROM foremost f JOIN counted c USING (job_id) JOIN latest l USING (job_id) WHERE j.id = f.job_id`,
      [ids, ranks],
    );
  });
}
