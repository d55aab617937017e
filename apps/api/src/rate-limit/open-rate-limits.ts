import type { Logger, Metrics } from '@queue-service/observability';
import { openProducerRedis, type RedisConfig, type Runtime, redisUrlOf } from '@queue-service/queue';
import type { Route } from '../http/route.ts';
import { rateLimitRoutes } from '../routes/rate-limits.ts';
import { createLimitsInForce } from './limits-in-force.ts';
import { createRateLimit, type RateLimit } from './rate-limit.ts';
import { createTokenBuckets } from './token-bucket.ts';

export interface RateLimitConfig extends RedisConfig {
  RATE_LIMIT_PRINCIPAL_PER_MINUTE: number;
  RATE_LIMIT_TENANT_PER_MINUTE: number;
}

export interface RateLimits {
  readonly rateLimit: RateLimit;
  readonly routes: readonly Route[];
  close(): void;
}

/** No request waits longer for a limit; then the limiter of this process decides. */
const LONGEST_WAIT_MS = 250;

/** On a connection of its own, so that its patience can be short. */
export function openRateLimits(parts: {
  readonly config: RateLimitConfig;
  readonly runtime: Pick<Runtime, 'db' | 'now'>;
  readonly metrics: Pick<Metrics, 'rateLimitDecisions'>;
  readonly log: Logger;
}): RateLimits {
  const { config, runtime, metrics, log } = parts;
  const minute = (points: number) => ({ points, windowMs: 60_000 });
  const redis = openProducerRedis(redisUrlOf(config, 'background'), log, LONGEST_WAIT_MS);
  const buckets = createTokenBuckets(redis, `${config.QUEUE_PREFIX}:rate-limit`);
  const limits = createLimitsInForce({
    db: runtime.db,
    configured: {
      principal: minute(config.RATE_LIMIT_PRINCIPAL_PER_MINUTE),
      tenant: minute(config.RATE_LIMIT_TENANT_PER_MINUTE),
    },
    nowMs: () => runtime.now().getTime(),
    log,
  });
  return {
    rateLimit: createRateLimit({ limits, buckets, metrics }),
    routes: rateLimitRoutes(runtime, { limits, buckets }),
    close: () => redis.disconnect(),
  };
}
