import { type JobType, RateLimitedError } from '@queue-service/contracts';
import { isDatabaseUnavailable } from '@queue-service/persistence';
import {
  DatabaseUnavailableError,
  type Handler,
  isRedisUnavailable,
  QueueUnavailableError,
} from '@queue-service/queue';

/** How soon a job is tried again that found a store away. */
const againMs = 5_000;

/** A job that finds PostgreSQL, Redis or the storage away comes back later; an outage is not its fault and costs no attempt. */
export function waitsForStores<Type extends JobType>(handler: Handler<Type>): Handler<Type> {
  return async (payload, ctx) => {
    try {
      return await handler(payload, ctx);
    } catch (error) {
      if (!isAway(error)) throw error;
      throw new RateLimitedError({
        code: 'store_unavailable',
        message: 'PostgreSQL, Redis or the report storage cannot be reached',
        retryAfterMs: againMs,
        cause: error,
      });
    }
  };
}

function isAway(error: unknown): boolean {
  return (
    error instanceof DatabaseUnavailableError ||
    error instanceof QueueUnavailableError ||
    isDatabaseUnavailable(error) ||
    isRedisUnavailable(error)
  );
}
