import { QueueUnavailableError } from '../new-job.ts';
import type { RedisClient } from './client.ts';

/**
 * Runs commands against a Redis that must be there now. BullMQ waits for a connection without end; a producer must not.
 * @throws QueueUnavailableError when Redis is away, does not answer in time, or has no memory left
 */
export async function whileAvailable<Result>(
  redis: RedisClient,
  queue: string,
  work: () => Promise<Result>,
): Promise<Result> {
  if (redis.status !== 'ready') throw new QueueUnavailableError(`the Redis of the queue ${queue} is ${redis.status}`);
  try {
    return await work();
  } catch (error) {
    if (isRedisUnavailable(error)) {
      throw new QueueUnavailableError(`the Redis of the queue ${queue} does not take commands`, { cause: error });
    }
    throw error;
  }
}

/** True when a command failed because of Redis' state and not because of the command. */
export function isRedisUnavailable(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'MaxRetriesPerRequestError' ||
      /ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|Connection is closed|Stream isn't writeable|Command timed out|OOM command|LOADING|READONLY|MASTERDOWN|NOREPLICAS|MISCONF|CLUSTERDOWN|TRYAGAIN|All sentinels are unreachable|Cluster isn't ready|startup nodes|slots cache|Cluster redirections/.test(
        error.message,
      ))
  );
}
