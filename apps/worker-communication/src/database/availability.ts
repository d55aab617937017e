import { RateLimitedError } from '@queue-service/contracts';
import { isDatabaseUnavailable } from '@queue-service/persistence';

/**
 * Runs the work; while PostgreSQL is away, jobs come back later without using an attempt, as they do when a provider is down.
 * @throws RateLimitedError `database_unavailable`
 */
export async function orComeBack<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isDatabaseUnavailable(error)) throw error;
    throw new RateLimitedError({
      code: 'database_unavailable',
      message: 'PostgreSQL cannot be reached; nothing was sent',
      retryAfterMs: 5_000,
    });
  }
}
