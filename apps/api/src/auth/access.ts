import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import { Problem } from '../http/problem.ts';
import type { Scope } from '../ports.ts';
import type { RateLimit } from '../rate-limit/rate-limit.ts';
import type { Authenticate } from './authenticate.ts';
import { PLATFORM_TENANT, type Principal, type Role, tenantIdSchema } from './principal.ts';

/**
 * Who may call a route, as the API table says it.
 * `public`: anybody. `user`: any role. `venue`: admins, and venue admins for what belongs to their tenant. `admin`: admins only.
 * `metrics`: the metrics token, or an admin.
 */
export type Access = 'public' | 'user' | 'venue' | 'admin' | 'metrics';

/** The roles that an access lets in; null where no token is asked for. */
export const rolesOf: Readonly<Record<Access, readonly Role[] | null>> = {
  public: null,
  user: ['admin', 'venue_admin', 'service'],
  venue: ['admin', 'venue_admin'],
  admin: ['admin'],
  metrics: ['admin'],
};

/** Who acts, for which tenant. */
export interface Actor {
  readonly principal: Principal;
  /** The tenant that what is made now belongs to. */
  readonly tenantId: string;
  /** What may be seen and changed. */
  readonly scope: Scope;
}

export interface Guard {
  /** @throws Problem `unauthorized`, `forbidden`, `rate_limited`, `validation_failed` for a malformed X-Tenant-Id */
  authorize(access: Access, req: Request, res: Response): Promise<Actor | null>;
}

/** The principal of requests with the metrics token, for their rate limit. */
const METRICS_READER = { subject: 'metrics-token', tenantId: null };

/** @param rateLimit asked once it is known who sent a request, before it is known whether he may */
export function createGuard(
  authenticate: Authenticate,
  metricsToken: string | undefined,
  rateLimit?: RateLimit,
): Guard {
  return {
    authorize: async (access, req, res) => {
      const allowed = rolesOf[access];
      if (allowed === null) return null;
      if (access === 'metrics' && bearsToken(req, metricsToken)) {
        await rateLimit?.(METRICS_READER, res);
        return null;
      }
      const principal = await authenticate(req, res);
      await rateLimit?.(principal, res);
      requireRole(principal, allowed);
      return actorOf(principal, req.get('X-Tenant-Id'));
    },
  };
}

/** @throws Problem `forbidden` */
export function requireRole(principal: Principal, allowed: readonly Role[]): void {
  if (allowed.some((role) => principal.roles.includes(role))) return;
  throw new Problem('forbidden', { detail: `This needs the role ${allowed.join(' or ')}` });
}

/** Admins see everything, everybody else what belongs to their tenant. */
export function tenantScope(principal: Principal): Scope {
  if (principal.roles.includes('admin')) return null;
  // A scope of null would show all tenants: better no answer than that.
  if (principal.tenantId === null) throw new Problem('forbidden', { detail: 'The token has no tenantId' });
  return principal.tenantId;
}

function actorOf(principal: Principal, requestedTenant: string | undefined): Actor {
  const scope = tenantScope(principal);
  if (requestedTenant === undefined) {
    return { principal, scope, tenantId: scope ?? principal.tenantId ?? PLATFORM_TENANT };
  }
  const parsed = tenantIdSchema.safeParse(requestedTenant);
  if (!parsed.success) {
    const message = parsed.error.issues[0]?.message ?? 'is not a tenant id';
    throw new Problem('validation_failed', { errors: [{ path: 'X-Tenant-Id', message, code: 'invalid_format' }] });
  }
  if (scope !== null && scope !== parsed.data) {
    throw new Problem('forbidden', { detail: 'Only an admin can act for another tenant' });
  }
  return { principal, scope: parsed.data, tenantId: parsed.data };
}

function bearsToken(req: Request, expected: string | undefined): boolean {
  const given = /^Bearer (\S+)$/i.exec(req.get('Authorization') ?? '')?.[1];
  if (given === undefined || expected === undefined) return false;
  // Hashed first: timingSafeEqual wants equal lengths, and the length is a secret too.
  return timingSafeEqual(sha256(given), sha256(expected));
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
