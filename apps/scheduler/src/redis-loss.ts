import type { QueueName } from '@queue-service/contracts';
import { type Connections, newId } from '@queue-service/queue';

/**
 * Tells when a Redis has lost what it was told. A counter is raised in each Redis at each look; a counter that is missing
 * or stands lower than it did means FLUSHALL, a restart without data, or a failover to a replica that lagged behind.
 * At the first look it is not known, so everything counts as lost once: a new leader begins with a full round.
 */
export interface LossDetector {
  /** Queues whose Redis lost data and has not been restored since. @throws while a Redis is away */
  lost(): Promise<QueueName[]>;
  restored(queue: QueueName): Promise<void>;
}

export function createLossDetector(connections: Connections): LossDetector {
  const known = new Map<QueueName, { mark: string; count: number }>();
  const keyOf = (prefix: string, queue: QueueName) => `${prefix}:${queue}:relay-mark`;

  return {
    lost: async () => {
      const lost: QueueName[] = [];
      for (const { name, redis, prefix } of connections.all) {
        const before = known.get(name);
        if (before === undefined) {
          lost.push(name);
          continue;
        }
        const count = await redis.hincrby(keyOf(prefix, name), before.mark, 1);
        if (count !== before.count + 1) {
          known.delete(name);
          lost.push(name);
        } else before.count = count;
      }
      return lost;
    },
    restored: async (queue) => {
      const { redis, prefix } = connections.of(queue);
      const mark = newId();
      // Not 0: a lost counter is raised to 1 as well, and must not pass for a kept one.
      await redis.hset(keyOf(prefix, queue), mark, 1);
      await redis.expire(keyOf(prefix, queue), 86_400);
      known.set(queue, { mark, count: 1 });
    },
  };
}
