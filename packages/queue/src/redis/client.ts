import { Cluster, Redis, type RedisOptions, type SentinelConnectionOptions, SentinelConnector } from 'ioredis';
import { parseRedisAddress, type RedisAddress } from './address.ts';

/** A connection to one server, or to the master that Sentinels name, or to all nodes of a cluster. */
export type RedisClient = Redis | Cluster;

const reconnectMs = (times: number) => Math.min(50 * 2 ** Math.min(times, 6), 2_000);

/** `replyMapping` decides the types of replies, and stays as it is. */
export type RedisSettings = Omit<RedisOptions, 'replyMapping'>;

const always = {
  connectTimeout: 5_000,
  retryStrategy: reconnectMs,
  // A master that was made a replica: whoever leads now is found by connecting anew.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
};

/**
 * ioredis ends a client for good when the news of a new master comes while it asks the Sentinels for one: the detector
 * of the lost connection then takes down the attempt as if the client was closed. Such a detector has nothing left to do.
 */
class ReturningSentinelConnector extends SentinelConnector {
  constructor(options: unknown) {
    super(options as SentinelConnectionOptions);
  }

  override connect(...args: Parameters<SentinelConnector['connect']>) {
    this.disconnect();
    return super.connect(...args);
  }
}

/** Opens what the URL says, see {@link parseRedisAddress}. */
export function openRedis(url: string, options: RedisSettings): RedisClient {
  const address = parseRedisAddress(url);
  const all = { ...always, ...options };
  switch (address.kind) {
    case 'server':
      return new Redis(address.url, all);
    case 'sentinel':
      return new Redis({
        ...all,
        ...credentials(address),
        sentinels: address.nodes,
        name: address.name,
        sentinelPassword: address.sentinelPassword,
        sentinelRetryStrategy: reconnectMs,
        ...(address.tls ? { sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
        // A master that hangs closes no connection: the Sentinels say that another leads.
        failoverDetector: true,
        Connector: ReturningSentinelConnector,
      });
    case 'cluster':
      return new Cluster(address.nodes, {
        enableOfflineQueue: options.enableOfflineQueue ?? true,
        clusterRetryStrategy: reconnectMs,
        redisOptions: { ...all, ...credentials(address) },
        // Certificates are for names.
        ...(address.tls ? { dnsLookup: (host, callback) => callback(null, host) } : {}),
      });
  }
}

function credentials({ username, password, tls }: Exclude<RedisAddress, { kind: 'server' }>): RedisSettings {
  return { username, password, ...(tls ? { tls: {} } : {}) };
}

/** Another connection to the same, which waits for Redis as long as it takes. The caller's to close. */
export function duplicateWaiting(redis: RedisClient): RedisClient {
  const waiting = { maxRetriesPerRequest: null, commandTimeout: undefined };
  return redis instanceof Cluster
    ? redis.duplicate([], { enableOfflineQueue: true, redisOptions: waiting })
    : redis.duplicate({ enableOfflineQueue: true, ...waiting });
}

/** The servers that hold the data. */
export function mastersOf(redis: RedisClient): Redis[] {
  return redis instanceof Cluster ? redis.nodes('master') : [redis];
}
