import type { RateLimitScope } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import { listRateLimits, type RateLimitRow, type Sql } from '@queue-service/persistence';
import type { Bucket } from './token-bucket.ts';

/** An override is in force everywhere within this time. */
export const TAKEN_UP_WITHIN_MS = 5_000;

export interface LimitsInForce {
  /** Of one principal or tenant: its own override, else that of the default, else the configuration. Never waits. */
  of(scope: RateLimitScope, id: string): Bucket & { readonly override: RateLimitRow | null };
  readonly configured: Readonly<Record<RateLimitScope, Bucket>>;
  /** Reads the overrides now. @throws when the database is away */
  refresh(): Promise<void>;
}

/** The limits of `rate_limits` over those of the configuration, read again while they are asked for. */
export function createLimitsInForce(parts: {
  readonly db: Sql;
  readonly configured: Readonly<Record<RateLimitScope, Bucket>>;
  readonly nowMs: () => number;
  readonly log: Logger;
}): LimitsInForce {
  const { db, configured, nowMs, log } = parts;
  let overrides = new Map<string, RateLimitRow>();
  let readAtMs = Number.NEGATIVE_INFINITY;

  const refresh = async () => {
    readAtMs = nowMs();
    overrides = new Map((await listRateLimits(db)).map((row) => [row.key, row]));
  };
  return {
    configured,
    refresh,
    of: (scope, id) => {
      if (nowMs() - readAtMs >= TAKEN_UP_WITHIN_MS) {
        // The last known ones go on meanwhile.
        refresh().catch((error) => log.debug({ err: error }, 'The overrides of rate limits could not be read'));
      }
      const override = overrides.get(`${scope}:${id}`) ?? overrides.get(`default:${scope}`) ?? null;
      const { points, windowMs } = override ?? configured[scope];
      return { points, windowMs, override };
    },
  };
}
