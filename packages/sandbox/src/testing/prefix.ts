import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterTestFile } from './file-cleanup.ts';
import { testServers } from './provided.ts';

/**
 * A key prefix nobody else has, on the run's Redis (which other tests use at the same time: no FLUSHALL, no CONFIG SET;
 * `startOwnRedis` is for those). Its keys are deleted after the tests.
 */
export function usePrefix(): { prefix: string; url: string } {
  const { redisUrl } = testServers();
  const prefix = `test-${randomBytes(8).toString('hex')}`;
  afterTestFile(async () => {
    const redis = new Redis(redisUrl);
    redis.on('error', () => undefined);
    try {
      for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1000 })) {
        if ((keys as string[]).length > 0) await redis.unlink(...(keys as string[]));
      }
    } finally {
      redis.disconnect();
    }
  });
  return { prefix, url: redisUrl };
}
