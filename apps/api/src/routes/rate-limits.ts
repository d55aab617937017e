import {
  type RateLimitResource,
  type RateLimitScope,
  rateLimitAnswerSchema,
  rateLimitKeySchema,
  rateLimitListQuerySchema,
  rateLimitListSchema,
  rateLimitScopes,
  setRateLimitSchema,
} from '@queue-service/contracts';
import {
  deleteRateLimit,
  findRateLimit,
  insertAudit,
  listRateLimits,
  noteRateLimitUse,
  putRateLimit,
  type RateLimitRow,
} from '@queue-service/persistence';
import { type Runtime, whileDatabaseAvailable } from '@queue-service/queue';
import { z } from 'zod';
import { auditEntry } from '../audit.ts';
import { Problem } from '../http/problem.ts';
import { jsonBody, type Route, route } from '../http/route.ts';
import type { LimitsInForce } from '../rate-limit/limits-in-force.ts';
import type { Bucket, TokenBuckets } from '../rate-limit/token-bucket.ts';

const params = z.object({ key: rateLimitKeySchema });

export interface RateLimitRoutesParts {
  readonly limits: LimitsInForce;
  readonly buckets: TokenBuckets;
}

export function rateLimitRoutes(
  { db, now }: Pick<Runtime, 'db' | 'now'>,
  { limits, buckets }: RateLimitRoutesParts,
): Route[] {
  /** Of now, or as it was last seen. */
  const useOf = async (key: string, bucket: Bucket, override: RateLimitRow | null) => {
    const unknown = { used: null, resetAt: null };
    if (key.startsWith('default:')) return unknown;
    const use = await buckets.use(key, bucket);
    if (use !== null) return { used: use.used, resetAt: new Date(now().getTime() + use.resetMs).toISOString() };
    if (override === null || override.key !== key || override.resetAt === null) return unknown;
    return { used: override.used, resetAt: override.resetAt.toISOString() };
  };
  const shown = async (key: string, override: RateLimitRow | null): Promise<RateLimitResource> => {
    const [first = '', ...rest] = key.split(':');
    const id = rest.join(':');
    const scope = (first === 'default' ? id : first) as RateLimitScope;
    const { points, windowMs } = override ?? limits.configured[scope];
    return {
      ...{ key, points, windowMs },
      source: override === null ? 'configuration' : 'override',
      ...(await useOf(key, { points, windowMs }, override)),
      updatedBy: override?.updatedBy ?? null,
      updatedAt: override?.updatedAt.toISOString() ?? null,
    };
  };
  const shownAndNoted = async (keys: readonly string[], override: (key: string) => RateLimitRow | null) => {
    const resources = await Promise.all(keys.map((key) => shown(key, override(key))));
    const seen = resources.flatMap(({ key, used, resetAt }) =>
      used === null || resetAt === null ? [] : [{ key, used, resetAt: new Date(resetAt) }],
    );
    if (seen.length > 0) await whileDatabaseAvailable(() => noteRateLimitUse(db, seen));
    return resources;
  };
  const facts = (row: RateLimitRow | null) => (row === null ? null : { points: row.points, windowMs: row.windowMs });

  return [
    route({
      method: 'get',
      path: '/rate-limits',
      access: 'admin',
      summary: 'The limits in force, their overrides and their use',
      query: rateLimitListQuerySchema,
      answers: { 200: rateLimitListSchema },
      problems: ['database_unavailable'],
      handler: async ({ query: { key } }) => {
        const rows = await whileDatabaseAvailable(() => listRateLimits(db));
        const row = (wanted: string) => rows.find((candidate) => candidate.key === wanted) ?? null;
        if (key !== undefined) {
          const [scope = ''] = key.split(':');
          const limits = await shownAndNoted([key], () => row(key) ?? row(`default:${scope}`));
          return { status: 200, body: { limits } };
        }
        const defaults = rateLimitScopes.map((scope) => `default:${scope}`);
        const keys = [...defaults, ...rows.map((one) => one.key).filter((one) => !defaults.includes(one))];
        return { status: 200, body: { limits: await shownAndNoted(keys, row) } };
      },
    }),

    route({
      method: 'put',
      path: '/rate-limits/:key',
      access: 'admin',
      summary: 'Set the limit of a principal, of a tenant or of all without one; in force everywhere within seconds',
      params,
      body: jsonBody(setRateLimitSchema),
      answers: { 200: rateLimitAnswerSchema },
      problems: ['database_unavailable'],
      handler: async ({ params: { key }, body, ...change }) => {
        const row = await whileDatabaseAvailable(() =>
          db.transaction(async (sql) => {
            const before = await findRateLimit(sql, key);
            const after = await putRateLimit(sql, { key, ...body, updatedBy: change.actor.principal.subject });
            const what = { action: 'rate-limit.set', resource: 'rate-limit', resourceId: key };
            await insertAudit(sql, [auditEntry(change, { ...what, before: facts(before), after: facts(after) })]);
            return after;
          }),
        );
        await limits.refresh();
        return { status: 200, body: { limit: await shown(key, row) } };
      },
    }),

    route({
      method: 'delete',
      path: '/rate-limits/:key',
      access: 'admin',
      summary: 'Remove an override',
      params,
      answers: { 204: null },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { key }, ...change }) => {
        await whileDatabaseAvailable(() =>
          db.transaction(async (sql) => {
            const before = await findRateLimit(sql, key);
            if (before === null) throw new Problem('not_found');
            await deleteRateLimit(sql, key);
            const what = { action: 'rate-limit.delete', resource: 'rate-limit', resourceId: key };
            await insertAudit(sql, [auditEntry(change, { ...what, before: facts(before) })]);
          }),
        );
        await limits.refresh();
        return { status: 204, body: undefined };
      },
    }),
  ];
}
