import type { QueueName } from '@queue-service/contracts';
import { createLogger, Secret } from '@queue-service/observability';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { Worker } from 'bullmq';
import { expect, vi } from 'vitest';
import { redisUrlOf } from '../../config.ts';
import { newId } from '../../ids.ts';
import { openWorkerRedis } from '../../redis/connections.ts';
import { openRuntime, type Runtime, type RuntimeConfig } from '../../runtime.ts';
import { tendQueue } from '../tend-queue.ts';

export const silent = createLogger({ service: 'test', level: 'silent' });

export type TestConfig = RuntimeConfig & { WORKER_CONCURRENCY: number };

export const times = (count: number, tenantId: string) => new Array<string>(count).fill(tenantId);

/** A runtime on stores of its own. @param redisUrl another server than that of all tests */
export async function testRuntime(redisUrl?: string): Promise<{
  runtime: Runtime;
  config: TestConfig;
  databaseUrl: string;
}> {
  const { url } = await useDatabase();
  const { prefix, url: redis } = usePrefix();
  const config = {
    DATABASE_URL: new Secret(url),
    DATABASE_POOL_SIZE: 5,
    PAYLOAD_ENCRYPTION_KEYS: [{ id: 'k', key: Buffer.alloc(32, 7) }],
    REDIS_URL: new Secret(redisUrl ?? redis),
    QUEUE_PREFIX: prefix,
    WORKER_CONCURRENCY: 5,
  };
  const runtime = openRuntime({ config, applicationName: 'test', log: silent });
  await vi.waitFor(() => {
    for (const { redis: connection } of runtime.connections.all) expect(connection.status).toBe('ready');
  });
  return { runtime, config, databaseUrl: url };
}

/** Jobs of one queue, added as everything adds them and taken as a worker takes them. */
export function servedQueue(runtime: Runtime, config: TestConfig, name: QueueName) {
  const connection = runtime.connections.of(name);
  const redis = openWorkerRedis(redisUrlOf(config, name), silent);
  const worker = new Worker(name, null, { connection: redis, prefix: config.QUEUE_PREFIX, skipVersionCheck: true });
  const priorities = Array.from({ length: 10 }, (_, index) => index + 1);

  const tend = async (now = new Date()) => {
    while ((await tendQueue(connection, { priorities, now })).more);
  };
  return {
    connection,
    worker,
    tend,
    /** Adds jobs of these tenants, in this order, and has them tagged. Answers their ids. */
    add: async (tenantIds: readonly string[], { priority = 5, delayMs = 0 } = {}): Promise<string[]> => {
      const jobs = tenantIds.map((tenantId) => {
        return { id: newId(), type: 'analytics-track' as const, priority, tenantId, delayMs, data: {} };
      });
      for (let from = 0; from < jobs.length; from += 5_000)
        await runtime.dispatch(name, jobs.slice(from, from + 5_000));
      await tend();
      return jobs.map(({ id }) => id);
    },
    /** The tenants of the next jobs, in the order in which they are started, to the first of one. */
    take: async (most: number, until?: string): Promise<string[]> => {
      const tenants: string[] = [];
      while (tenants.length < most && (until === undefined || tenants.at(-1) !== until)) {
        const job = await worker.getNextJob('token');
        if (job === undefined) break;
        tenants.push((job.opts as { tenant?: string }).tenant ?? '');
        await job.moveToCompleted(null, 'token', false);
      }
      return tenants;
    },
    close: async () => {
      await worker.close();
      redis.disconnect();
    },
  };
}
