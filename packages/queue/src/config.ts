import type { QueueName } from '@queue-service/contracts';
import { type Secret, variable } from '@queue-service/observability';
import { z } from 'zod';

const redisUrl = () => variable.secretUrl(['redis', 'rediss']);

/** Where each queue's Redis is. Spread into a process's schema. */
export const redisConfig = {
  REDIS_URL: redisUrl(),
  REDIS_MONEY_URL: redisUrl().optional(),
  REDIS_COMMUNICATION_URL: redisUrl().optional(),
  REDIS_BACKGROUND_URL: redisUrl().optional(),
  /** Before every key, so that several installations can share a server. */
  QUEUE_PREFIX: z
    .string()
    .regex(/^[\w{}-]{1,64}$/, 'must be letters, digits, _ and -, with {} for a hash tag')
    .default('queue-service'),
};

/** What only processes that run jobs need. */
export const workerConfig = {
  WORKER_CONCURRENCY: variable.integer({ min: 1, max: 1_000 }).default(10),
};

export interface RedisConfig {
  REDIS_URL: Secret;
  REDIS_MONEY_URL?: Secret | undefined;
  REDIS_COMMUNICATION_URL?: Secret | undefined;
  REDIS_BACKGROUND_URL?: Secret | undefined;
  QUEUE_PREFIX: string;
}

/** Durability is a property of a Redis server, so each queue may have its own. */
export function redisUrlOf(config: RedisConfig, queue: QueueName): string {
  const own = {
    money: config.REDIS_MONEY_URL,
    communication: config.REDIS_COMMUNICATION_URL,
    background: config.REDIS_BACKGROUND_URL,
  };
  return (own[queue] ?? config.REDIS_URL).reveal();
}
