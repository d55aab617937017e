import { type RateLimitScope, rateLimitScopes } from '@queue-service/contracts';
import type { Metrics } from '@queue-service/observability';
import type { Response } from 'express';
import { PLATFORM_TENANT, type Principal } from '../auth/principal.ts';
import { Problem } from '../http/problem.ts';
import type { LimitsInForce } from './limits-in-force.ts';
import type { TokenBuckets } from './token-bucket.ts';

/**
 * Takes a request from the buckets of who sent it and of his tenant, and says in its answer what is left.
 * @throws Problem `rate_limited`
 */
export type RateLimit = (who: Pick<Principal, 'subject' | 'tenantId'>, res: Response) => Promise<void>;

export interface RateLimitParts {
  readonly limits: LimitsInForce;
  readonly buckets: TokenBuckets;
  readonly metrics: Pick<Metrics, 'rateLimitDecisions'>;
}

/** Headers by https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (version 10). */
export function createRateLimit({ limits, buckets, metrics }: RateLimitParts): RateLimit {
  return async ({ subject, tenantId }, res) => {
    const ids: Record<RateLimitScope, string> = { principal: subject, tenant: tenantId ?? PLATFORM_TENANT };
    const taken = await Promise.all(
      rateLimitScopes.map(async (scope) => {
        const { points, windowMs } = limits.of(scope, ids[scope]);
        return { scope, points, windowMs, ...(await buckets.take(`${scope}:${ids[scope]}`, { points, windowMs })) };
      }),
    );
    const item = (values: (one: (typeof taken)[number]) => string) =>
      taken.map((one) => `"${one.scope}";${values(one)}`).join(', ');
    res.set({
      'RateLimit-Policy': item(({ points, windowMs }) => `q=${points};w=${Math.ceil(windowMs / 1_000)}`),
      RateLimit: item(({ remaining, resetMs }) => `r=${remaining};t=${Math.ceil(resetMs / 1_000)}`),
    });
    for (const { scope, allowed } of taken) {
      metrics.rateLimitDecisions.inc({ limit: scope, decision: allowed ? 'allowed' : 'rejected' });
    }
    const refused = taken.filter(({ allowed }) => !allowed);
    if (refused.length === 0) return;
    throw new Problem('rate_limited', {
      detail: `The limit of the ${refused.map(({ scope }) => scope).join(' and of the ')} is reached`,
      retryAfterSeconds: Math.max(1, ...refused.map(({ resetMs }) => Math.ceil(resetMs / 1_000))),
    });
  };
}
