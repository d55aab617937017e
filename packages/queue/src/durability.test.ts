import { openDatabase } from '@queue-service/persistence';
import { startOwnRedis, useDatabase } from '@queue-service/sandbox/testing';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { checkDatabaseDurability, checkDurability } from './durability.ts';

it('finds a database that acknowledges commits before it has them', async () => {
  const { url } = await useDatabase();
  const db = openDatabase({ url });
  const settings = (wanted: string) =>
    db.transaction(async (sql) => {
      await sql.query('', `SET LOCAL synchronous_commit = ${wanted}`);
      return (await checkDatabaseDurability(sql)).map(({ setting }) => setting);
    });
  expect(await settings('off')).toContain('synchronous_commit');
  expect(await settings('on')).not.toContain('synchronous_commit');
  await db.close();
});

it('finds a Redis that forgets at a restart or evicts, as far as the tier minds', async () => {
  const server = await startOwnRedis({ appendonly: 'no' });
  const redis = new Redis(server.url);
  const found = async (tier: 1 | 2 | 3) =>
    (await checkDurability(redis, tier)).map(({ setting, fatal }) => `${setting} ${fatal}`);
  expect(await found(1)).toEqual(['appendonly true']);
  expect(await found(2)).toEqual(['appendonly false']);
  expect(await found(3)).toEqual([]);
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  expect(await found(3)).toEqual(['maxmemory-policy true']);
  redis.disconnect();
});
