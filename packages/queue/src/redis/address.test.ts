import { parseConfig } from '@queue-service/observability';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { prefixOf, redisConfig } from '../config.ts';
import { parseRedisAddress } from './address.ts';

it('reads one server, Sentinels and a cluster', () => {
  expect(parseRedisAddress('rediss://:p@host:1/2')).toEqual({ kind: 'server', url: 'rediss://:p@host:1/2' });
  expect(parseRedisAddress('redis+sentinel://:p%40ss@a:1,b/mymaster?tls&sentinelPassword=q')).toEqual({
    kind: 'sentinel',
    nodes: [
      { host: 'a', port: 1 },
      { host: 'b', port: 26_379 },
    ],
    ...{ name: 'mymaster', username: undefined, password: 'p@ss', sentinelPassword: 'q', tls: true },
  });
  expect(parseRedisAddress('redis+cluster://user:p@[::1]:7000,b.example')).toEqual({
    kind: 'cluster',
    nodes: [
      { host: '::1', port: 7_000 },
      { host: 'b.example', port: 6_379 },
    ],
    ...{ username: 'user', password: 'p', tls: false },
  });
});

it.each([
  ['http://host', /redis\+sentinel:\/\//],
  ['redis+sentinel://:hunter2@a:1', /must name the master/],
  ['redis+cluster://:hunter2@a:1/0', /must have no path/],
  ['redis+cluster://:hunter2@a:1,,b:2', /host:port,host:port/],
  ['redis+cluster://:hunter2@a:99999', /host:port,host:port/],
  ['redis+cluster://:hunter2@a?tsl', /only tls/],
])('refuses %s and says why, without its password', (url, reason) => {
  const read = () => parseConfig(z.object(redisConfig), { REDIS_URL: url });
  expect(read).toThrow(reason);
  expect(read).not.toThrow(/hunter2/);
});

it('makes the prefix a hash tag in a cluster, and leaves one alone that has a tag', () => {
  const prefix = (url: string, own: string) =>
    prefixOf(parseConfig(z.object(redisConfig), { REDIS_URL: url, QUEUE_PREFIX: own }), 'money');
  expect(prefix('redis://a', 'queue-service')).toBe('queue-service');
  expect(prefix('redis+cluster://a', 'queue-service')).toBe('{queue-service}');
  expect(prefix('redis+cluster://a', 'live-{eu}')).toBe('live-{eu}');
});
