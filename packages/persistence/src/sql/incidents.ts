import type { Sql } from '../database.ts';

export const incidentKinds = [
  'money_dead_letter',
  'dead_letters',
  'no_progress',
  'relay_lag',
  'outcome_open',
  'recovery',
  'mint_balance_low',
  'circuit_open',
  'schedule_missed',
  'books_differ',
  'worker_stuck',
  'webhook_endpoint_disabled',
] as const;
export type IncidentKind = (typeof incidentKinds)[number];

export const incidentSeverities = ['critical', 'warning'] as const;
export type IncidentSeverity = (typeof incidentSeverities)[number];

/** What is wrong. People read it in their chats: no personal data and no secrets in any of it. */
export interface NewIncident {
  /** What is the same trouble, as `circuit_open:sendgrid`. At most 200 characters. */
  key: string;
  kind: IncidentKind;
  severity: IncidentSeverity;
  /** One sentence. */
  summary: string;
  details: Readonly<Record<string, string | number | boolean | null>>;
}

export interface IncidentRow extends NewIncident {
  /** Of this episode: the same key opens another one after this one was settled. */
  id: string;
  openedAt: Date;
  /** When it was last raised. */
  lastSeenAt: Date;
  closedAt: Date | null;
  settledAt: Date | null;
}

/** Columns of an {@link IncidentRow}, of `incidents i`. */
export const incidentColumns = `i.id, i.key, i.kind, i.severity, i.summary, i.details, i.opened_at AS "openedAt", i.last_seen_at AS "lastSeenAt",
  i.closed_at AS "closedAt", i.settled_at AS "settledAt"`;

/**
 * Says that something is wrong, or still wrong. Idempotent per key: it refreshes when the incident was last seen and what
 * it says, keeps when it was opened, and reopens one that is closed. Once the scheduler has settled a closed one (told
 * everybody that it is over), the same key begins a new episode with a new id.
 */
export async function openIncident(sql: Sql, incident: NewIncident): Promise<IncidentRow> {
  const [row] = await sql.query<IncidentRow>(
    'open-incident',
    `INSERT INTO incidents AS i (id, key, kind, severity, summary, details) VALUES (gen_random_uuid(), $1, $2, $3, $4, $5::jsonb)
     ON CONFLICT (key) WHERE settled_at IS NULL DO UPDATE SET kind = EXCLUDED.kind, severity = EXCLUDED.severity,
       summary = EXCLUDED.summary, details = EXCLUDED.details, last_seen_at = now(), closed_at = NULL
     RETURNING ${incidentColumns}`,
    [incident.key, incident.kind, incident.severity, incident.summary, JSON.stringify(incident.details)],
  );
  if (row === undefined) throw new Error(`the incident ${incident.key} was not written`);
  return row;
}

/** Says that it is over. False when none with this key was open. */
export async function closeIncident(sql: Sql, key: string): Promise<boolean> {
  const rows = await sql.query(
    'close-incident',
    'UPDATE incidents SET closed_at = now() WHERE key = $1 AND settled_at IS NULL AND closed_at IS NULL RETURNING id',
    [key],
  );
  return rows.length > 0;
}

/** What is wrong now, the latest first. */
export async function listOpenIncidents(sql: Sql, limit = 1_000): Promise<IncidentRow[]> {
  return sql.query(
    'list-open-incidents',
    `SELECT ${incidentColumns} FROM incidents i WHERE i.settled_at IS NULL AND i.closed_at IS NULL
     ORDER BY i.opened_at DESC, i.id DESC LIMIT $1`,
    [limit],
  );
}

/** Closes what nobody has raised since `unseenSince`: whoever raised it may be gone. Answers their keys. */
export async function closeUnseenIncidents(
  sql: Sql,
  kind: IncidentKind,
  unseenSince: Date,
): Promise<{ key: string }[]> {
  return sql.query(
    'close-unseen-incidents',
    `UPDATE incidents SET closed_at = now()
     WHERE kind = $1 AND settled_at IS NULL AND closed_at IS NULL AND last_seen_at < $2 RETURNING key`,
    [kind, unseenSince],
  );
}

/** Ends the episodes that were closed before `closedBefore`: what comes after is another one. */
export async function settleIncidents(sql: Sql, closedBefore: Date): Promise<void> {
  await sql.query(
    'settle-incidents',
    'UPDATE incidents SET settled_at = now() WHERE settled_at IS NULL AND closed_at < $1',
    [closedBefore],
  );
}

/** Forgets episodes that were over before `before`. */
export async function deleteIncidents(sql: Sql, before: Date): Promise<void> {
  await sql.query('delete-incidents', 'DELETE FROM incidents WHERE opened_at < $1 AND settled_at < $1', [before]);
}
