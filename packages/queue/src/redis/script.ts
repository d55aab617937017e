import { createHash } from 'node:crypto';
import type { RedisClient } from './client.ts';

/** A Lua script that the server keeps; it is sent again to a server that does not know it. */
export function script<Reply>(text: string) {
  const sha = createHash('sha1').update(text).digest('hex');
  return async (
    redis: RedisClient,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<Reply> => {
    try {
      return (await redis.evalsha(sha, keys.length, ...keys, ...args)) as Reply;
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return (await redis.eval(text, keys.length, ...keys, ...args)) as Reply;
    }
  };
}
