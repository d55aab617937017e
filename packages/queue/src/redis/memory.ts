import type { Redis } from 'ioredis';
import { mastersOf, type RedisClient } from './client.ts';
import { infoField } from './info.ts';

/** Workers need room to move and end what is there: at `maxmemory` Redis takes none of their commands either. */
const MOST_USED = 0.9;
const READ_AGAIN_MS = 1_000;

/** Whether a Redis still has memory for new jobs, as of a second ago at most. */
export interface RedisMemory {
  /** Never throws: what cannot be read is not known to be full. */
  nearlyFull(): Promise<boolean>;
}

export function watchMemory(redis: RedisClient): RedisMemory {
  let readAt = Number.NEGATIVE_INFINITY;
  let answer: Promise<boolean> = Promise.resolve(false);
  return {
    nearlyFull: () => {
      if (performance.now() - readAt > READ_AGAIN_MS) {
        readAt = performance.now();
        answer = Promise.all(mastersOf(redis).map(shareUsed)).then(
          (shares) => Math.max(0, ...shares) > MOST_USED,
          () => false,
        );
      }
      return answer;
    },
  };
}

/** 0 where there is no limit. */
async function shareUsed(server: Redis): Promise<number> {
  const info = await server.info('memory');
  const limit = Number(infoField(info, 'maxmemory') ?? 0);
  return limit === 0 ? 0 : Number(infoField(info, 'used_memory')) / limit;
}
