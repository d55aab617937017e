/** The tenant that only admins act for; its jobs reach the rows of all. */
const platformTenant = 'platform';

/** Whose rows a job of this tenant may touch; null: everybody's. */
export function scopeOf(tenantId: string): string | null {
  return tenantId === platformTenant ? null : tenantId;
}
