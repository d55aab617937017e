import { platformTenant } from '@queue-service/contracts';
import { z } from 'zod';

export const roles = ['admin', 'venue_admin', 'service'] as const;
export type Role = (typeof roles)[number];

/** The tenant of what admins do on behalf of no tenant. No token but an admin's may name it. */
export const PLATFORM_TENANT = platformTenant;

export const tenantIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'is not a tenant id of letters, digits, dot, - and _, at most 128 long');

/** Who sent a request, as the token says. */
export interface Principal {
  readonly subject: string;
  readonly roles: readonly Role[];
  /** Null only for admins. */
  readonly tenantId: string | null;
  /** `exp` of the token; what outlives a request, as a stream, ends then. */
  readonly expiresAtMs: number;
}

/** What a token must say. Roles of other services may stand beside ours. */
const claimsSchema = z.object({
  sub: z.string().min(1).max(255),
  roles: z.array(z.string()).max(100),
  tenantId: tenantIdSchema.optional(),
  exp: z.number(),
});

export type ClaimsOutcome =
  | { ok: true; principal: Principal }
  /** `invalid`: not a token of this service. `forbidden`: a good token that allows nothing here. */
  | { ok: false; kind: 'invalid' | 'forbidden'; reason: string };

/** The principal of claims whose signature is already checked. */
export function principalOf(claims: unknown): ClaimsOutcome {
  const parsed = claimsSchema.safeParse(claims);
  if (!parsed.success) {
    const names = [...new Set(parsed.error.issues.map((issue) => String(issue.path[0] ?? 'claims')))];
    return { ok: false, kind: 'invalid', reason: `The token's ${names.join(', ')} is missing or not as expected` };
  }
  const { sub, roles: given, tenantId = null, exp } = parsed.data;
  const known = roles.filter((role) => given.includes(role));
  if (known.length === 0) return forbidden(`The token has none of the roles ${roles.join(', ')}`);
  if (!known.includes('admin')) {
    if (tenantId === null) return forbidden('The token has no tenantId, without which only an admin can act');
    if (tenantId === PLATFORM_TENANT) return forbidden(`The tenant ${PLATFORM_TENANT} is reserved for admins`);
  }
  return { ok: true, principal: { subject: sub, roles: known, tenantId, expiresAtMs: exp * 1_000 } };
}

function forbidden(reason: string): ClaimsOutcome {
  return { ok: false, kind: 'forbidden', reason };
}
