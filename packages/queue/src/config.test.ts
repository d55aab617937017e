import { ConfigError, parseConfig } from '@queue-service/observability';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { redisConfig, redisRules, redisUrlOf } from './config.ts';

const read = (env: Record<string, string>) => parseConfig(z.object(redisConfig), env, redisRules);
const own = {
  REDIS_MONEY_URL: 'redis://money',
  REDIS_COMMUNICATION_URL: 'redis://communication',
  REDIS_BACKGROUND_URL: 'redis://background',
};

it('needs no common Redis where every queue has its own', () => {
  expect(redisUrlOf(read(own), 'background')).toBe('redis://background');
  expect(redisUrlOf(read({ REDIS_URL: 'redis://all', REDIS_MONEY_URL: 'redis://money' }), 'background')).toBe(
    'redis://all',
  );
  const { REDIS_BACKGROUND_URL: _, ...two } = own;
  expect(() => read(two)).toThrow(ConfigError);
  expect(() => read(two)).toThrow(/REDIS_URL.*REDIS_BACKGROUND_URL/);
});
