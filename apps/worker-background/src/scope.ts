import { platformTenant } from '@queue-service/contracts';

/** Whose rows a job of this tenant may touch; null: everybody's. */
export function scopeOf(tenantId: string): string | null {
  return tenantId === platformTenant ? null : tenantId;
}
