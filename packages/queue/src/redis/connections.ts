import type { QueueName } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import { FlowProducer, Queue } from 'bullmq';
import { prefixOf, type RedisConfig, redisUrlOf } from '../config.ts';
import { openRedis, type RedisClient } from './client.ts';
import { type RedisMemory, watchMemory } from './memory.ts';
import { createNotes, type WriteNote } from './notes.ts';
import { sharedCalls } from './shared-calls.ts';

export interface QueueConnection {
  readonly name: QueueName;
  readonly queue: Queue;
  /** Adds jobs of steps, on the same server. */
  readonly flows: FlowProducer;
  readonly redis: RedisClient;
  readonly memory: RedisMemory;
  readonly note: WriteNote;
  readonly prefix: string;
}

/** The producers' side of the queues: commands fail at once while Redis is away. Whoever opens, closes. */
export interface Connections {
  of(queue: QueueName): QueueConnection;
  readonly all: readonly QueueConnection[];
  close(): Promise<void>;
}

/**
 * A connection for producing: it never queues commands while Redis is away and never waits for one longer than
 * `commandTimeoutMs`, so that a request can be answered 503.
 */
export function openProducerRedis(url: string, log: Logger, commandTimeoutMs = 5_000): RedisClient {
  return watched(
    openRedis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: commandTimeoutMs }),
    log,
  );
}

/** A connection for a worker: it waits for Redis as long as it takes. */
export function openWorkerRedis(url: string, log: Logger): RedisClient {
  return watched(openRedis(url, { maxRetriesPerRequest: null }), log);
}

function watched<Client extends RedisClient>(redis: Client, log: Logger): Client {
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
  const servers = new Map<string, { redis: RedisClient; memory: RedisMemory; note: WriteNote }>();
  const open = (url: string) => {
    const redis = openProducerRedis(url, log);
    const server = { redis, memory: watchMemory(redis), note: createNotes(redis) };
    servers.set(url, server);
    return server;
  };
  const all = names.map((name): QueueConnection => {
    const url = redisUrlOf(config, name);
    const { redis, memory, note } = servers.get(url) ?? open(url);
    const prefix = prefixOf(config, name);
    const queue = new Queue(name, { connection: redis, prefix, skipVersionCheck: true }, sharedCalls());
    const flows = new FlowProducer({ connection: redis, prefix, skipVersionCheck: true });
    // The connection's own listener has told it.
    queue.on('error', () => {});
    flows.on('error', () => {});
    return { name, queue, flows, redis, memory, note, prefix };
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
      for (const { redis } of servers.values()) redis.disconnect();
    },
  };
}
