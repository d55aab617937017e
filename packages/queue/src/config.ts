import type { QueueName } from '@queue-service/contracts';
import { type ConfigRule, Secret, variable } from '@queue-service/observability';
import { z } from 'zod';
import { parseRedisAddress } from './redis/address.ts';

/** See {@link parseRedisAddress}. */
const redisUrl = () =>
  z
    .string()
    .superRefine((value, context) => {
      try {
        parseRedisAddress(value);
      } catch (error) {
        context.addIssue((error as Error).message);
      }
    })
    .transform((value) => new Secret(value));

/** Where each queue's Redis is. Spread into a process's schema. */
export const redisConfig = {
  REDIS_URL: redisUrl().optional(),
  REDIS_MONEY_URL: redisUrl().optional(),
  REDIS_COMMUNICATION_URL: redisUrl().optional(),
  REDIS_BACKGROUND_URL: redisUrl().optional(),
  /** Before every key, so that several installations can share a server. */
  QUEUE_PREFIX: z
    .string()
    .regex(/^[\w{}-]{1,64}$/, 'must be letters, digits, _ and -, with {} for a hash tag')
    .default('queue-service'),
};

const ownUrls = ['REDIS_MONEY_URL', 'REDIS_COMMUNICATION_URL', 'REDIS_BACKGROUND_URL'] as const;

/** What goes with {@link redisConfig}: `REDIS_URL` may be missing only where every queue has a Redis of its own. */
export const redisRules: readonly ConfigRule[] = [
  (isSet) => {
    const missing = ownUrls.filter((name) => !isSet(name));
    if (isSet('REDIS_URL') || missing.length === 0) return undefined;
    return { variable: 'REDIS_URL', reason: `is missing, and so is ${missing.join(', ')}` };
  },
];

/** What only processes that run jobs need. */
export const workerConfig = {
  WORKER_CONCURRENCY: variable.integer({ min: 1, max: 1_000 }).default(10),
};

export interface RedisConfig {
  REDIS_URL?: Secret | undefined;
  REDIS_MONEY_URL?: Secret | undefined;
  REDIS_COMMUNICATION_URL?: Secret | undefined;
  REDIS_BACKGROUND_URL?: Secret | undefined;
  QUEUE_PREFIX: string;
}

/**
 * Durability is a property of a Redis server, so each queue may have its own.
 * @throws Error where neither is given, which {@link redisRules} refuses
 */
export function redisUrlOf(config: RedisConfig, queue: QueueName): string {
  const own = {
    money: config.REDIS_MONEY_URL,
    communication: config.REDIS_COMMUNICATION_URL,
    background: config.REDIS_BACKGROUND_URL,
  };
  const url = own[queue] ?? config.REDIS_URL;
  if (url === undefined) throw new Error(`the queue ${queue} has no Redis`);
  return url.reveal();
}

/** Before every key of a queue. In a cluster it is a hash tag, for the scripts need all keys of a queue on one node. */
export function prefixOf(config: RedisConfig, queue: QueueName): string {
  const { QUEUE_PREFIX: prefix } = config;
  const tagged = parseRedisAddress(redisUrlOf(config, queue)).kind !== 'cluster' || /\{[^}]+\}/.test(prefix);
  return tagged ? prefix : `{${prefix.replaceAll(/[{}]/g, '')}}`;
}
