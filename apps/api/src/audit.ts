import type { AuditEntry } from '@queue-service/persistence';
import type { Actor } from './auth/access.ts';

/** Who changes something, and by which request. */
export interface Change {
  readonly actor: Actor;
  readonly requestId: string;
}

/** The row of a change in the audit log. `before` and `after` must hold no personal data. */
export function auditEntry(
  { actor, requestId }: Change,
  what: {
    action: string;
    resource: string;
    resourceId: string;
    before?: object | null;
    after?: object | null;
    /** Of what was changed. Default: the tenant that is acted for. */
    tenantId?: string;
  },
): AuditEntry {
  return {
    actor: actor.principal.subject,
    roles: actor.principal.roles,
    tenantId: actor.tenantId,
    before: null,
    after: null,
    ...what,
    requestId,
  };
}
