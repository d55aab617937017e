import type { Sql } from '../database.ts';
import { conditions, type ListPosition } from './conditions.ts';

/** One change by a person or a token. `before` and `after` hold no personal data and no secrets. */
export interface AuditEntry {
  actor: string;
  roles: readonly string[];
  tenantId: string;
  /** As `queue.pause`. */
  action: string;
  resource: string;
  resourceId: string | null;
  before: object | null;
  after: object | null;
  requestId: string | null;
}

export interface AuditRow extends AuditEntry {
  id: string;
  createdAt: Date;
}

export async function insertAudit(sql: Sql, entries: readonly AuditEntry[]): Promise<void> {
  await sql.query(
    'insert-audit',
    `INSERT INTO audit_log (id, actor, roles, tenant_id, action, resource, resource_id, before, after, request_id)
     SELECT gen_random_uuid(), r.actor, r.roles, r."tenantId", r.action, r.resource, r."resourceId",
       NULLIF(r.before, 'null'), NULLIF(r.after, 'null'), r."requestId"
     FROM jsonb_to_recordset($1::jsonb) AS r(actor text, roles text[], "tenantId" text, action text, resource text,
       "resourceId" text, before jsonb, after jsonb, "requestId" text)`,
    [JSON.stringify(entries)],
  );
}

export interface AuditFilter {
  tenantId: string | null;
  from?: Date | undefined;
  to?: Date | undefined;
  actor?: string | undefined;
  action?: string | undefined;
  resource?: string | undefined;
  resourceId?: string | undefined;
}

/** Newest first, after a position. */
export async function listAudit(
  sql: Sql,
  filter: AuditFilter,
  after: ListPosition | null,
  limit: number,
): Promise<AuditRow[]> {
  const { tenantId, from, to, actor, action, resource, resourceId } = filter;
  const where = conditions('a', { tenantId, from, to }, after);
  const values = [...where.values];
  const parts = where.text === '' ? [] : [where.text.slice('WHERE '.length)];
  for (const [column, value] of Object.entries({ actor, action, resource, resource_id: resourceId })) {
    if (value === undefined) continue;
    values.push(value);
    parts.push(`a.${column} = $${values.length}`);
  }
  const text = parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`;
  const name = [where.name, actor && 'actor', action && 'action', resource && 'resource', resourceId && 'id'];
  return sql.query(
    `list-audit-${name.filter(Boolean).join('-')}`,
    `SELECT a.id, a.actor, a.roles, a.tenant_id AS "tenantId", a.action, a.resource, a.resource_id AS "resourceId", a.before,
       a.after, a.request_id AS "requestId", a.created_at AS "createdAt"
     FROM audit_log a ${text} ORDER BY a.created_at DESC, a.id DESC LIMIT $${values.length + 1}`,
    [...values, limit],
  );
}
