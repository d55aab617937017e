import type { RedisClient } from '../redis/client.ts';
import type { QueueConnection } from '../redis/connections.ts';

/** Where workers of a queue hear which running jobs are cancelled. Each message is the id of a job. */
function channelOf(prefix: string, queue: string): string {
  return `${prefix}:${queue}:cancelled`;
}

/** Tells whichever process runs the job. A message that nobody hears is no loss: marks and leases say the same. */
export async function tellCancelled({ redis, prefix, name }: QueueConnection, jobId: string): Promise<void> {
  if (redis.status === 'ready') await redis.publish(channelOf(prefix, name), jobId).catch(() => 0);
}

/** @param redis subscribed for good, so for nothing else */
export function hearCancelled(
  redis: RedisClient,
  prefix: string,
  queue: string,
  cancelled: (jobId: string) => void,
): void {
  redis.on('message', (_channel: string, jobId: string) => cancelled(jobId));
  redis.subscribe(channelOf(prefix, queue)).catch(() => {}); // Away: ioredis subscribes when it is back.
}
