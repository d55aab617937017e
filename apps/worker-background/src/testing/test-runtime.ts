import { createLogger, Secret } from '@queue-service/observability';
import { openRuntime, type Runtime, type RuntimeConfig } from '@queue-service/queue';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { vi } from 'vitest';

export const testLog = createLogger({ service: 'test', level: 'silent' });

/** A runtime on a database and a prefix of its own; the caller closes it. */
export async function openTestRuntime(now?: () => Date) {
  const { url } = await useDatabase();
  const { prefix, url: redis } = usePrefix();
  const config: RuntimeConfig = {
    DATABASE_URL: new Secret(url),
    DATABASE_POOL_SIZE: 5,
    PAYLOAD_ENCRYPTION_KEYS: [{ id: 'k', key: Buffer.alloc(32, 7) }],
    REDIS_URL: new Secret(redis),
    QUEUE_PREFIX: prefix,
  };
  const runtime: Runtime = openRuntime({
    config,
    applicationName: 'test',
    log: testLog,
    ...(now === undefined ? {} : { now }),
  });
  await vi.waitFor(() => {
    if (runtime.connections.all.some((connection) => connection.redis.status !== 'ready')) throw new Error('not ready');
  });
  return { runtime, config, databaseUrl: url, redisUrl: redis, prefix };
}
