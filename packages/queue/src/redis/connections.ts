import type { QueueName } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import { FlowProducer, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { type RedisConfig, redisUrlOf } from '../config.ts';

export interface QueueConnection {
  readonly name: QueueName;
  readonly queue: Queue;
  /** Adds jobs of steps, on the same server. */
  readonly flows: FlowProducer;
  readonly redis: Redis;
  readonly prefix: string;
}

/** The producers' side of the queues: commands fail at once while Redis is away. Whoever opens, closes. */
export interface Connections {
  of(queue: QueueName): QueueConnection;
  readonly all: readonly QueueConnection[];
  close(): Promise<void>;
}

const reconnectMs = (times: number) => Math.min(50 * 2 ** Math.min(times, 6), 2_000);

/**
 * A connection for producing: it never queues commands while Redis is away and never waits for one longer than
 * `commandTimeoutMs`, so that a request can be answered 503.
 */
export function openProducerRedis(url: string, log: Logger, commandTimeoutMs = 5_000): Redis {
  return watched(
    new Redis(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      commandTimeout: commandTimeoutMs,
      connectTimeout: 5_000,
      retryStrategy: reconnectMs,
    }),
    log,
  );
}

/** A connection for a worker: it waits for Redis as long as it takes. */
export function openWorkerRedis(url: string, log: Logger): Redis {
  return watched(
    new Redis(url, { maxRetriesPerRequest: null, connectTimeout: 5_000, retryStrategy: reconnectMs }),
    log,
  );
}

function watched(redis: Redis, log: Logger): Redis {
  let away = false;
  redis.on('error', (error: Error) => {
    if (!away) log.warn({ err: error }, 'Redis cannot be reached; trying again');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info('Redis is back');
    away = false;
  });
  return redis;
}

/** One connection a Redis server, one BullMQ queue a name. */
export function openConnections(config: RedisConfig, names: readonly QueueName[], log: Logger): Connections {
  const servers = new Map<string, Redis>();
  const all = names.map((name): QueueConnection => {
    const url = redisUrlOf(config, name);
    const redis = servers.get(url) ?? openProducerRedis(url, log);
    servers.set(url, redis);
    const queue = new Queue(name, { connection: redis, prefix: config.QUEUE_PREFIX, skipVersionCheck: true });
    const flows = new FlowProducer({ connection: redis, prefix: config.QUEUE_PREFIX, skipVersionCheck: true });
    // The connection's own listener has told it.
    queue.on('error', () => {});
    flows.on('error', () => {});
    return { name, queue, flows, redis, prefix: config.QUEUE_PREFIX };
  });
  return {
    all,
    of: (name) => {
      const found = all.find((connection) => connection.name === name);
      if (found === undefined) throw new Error(`no connection was opened for the queue ${name}`);
      return found;
    },
    close: async () => {
      await Promise.allSettled(all.flatMap(({ queue, flows }) => [queue.close(), flows.close()]));
      for (const redis of servers.values()) redis.disconnect();
    },
  };
}
