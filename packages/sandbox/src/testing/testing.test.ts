import { Redis } from 'ioredis';
import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { runCleanup } from './file-cleanup.ts';
import { startOwnRedis, useDatabase, useEmptyDatabase, usePrefix } from './index.ts';

async function rows(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const database = await useDatabase();
const { prefix, url } = usePrefix();

describe('the servers of a test run', () => {
  let inHook: { url: string };
  beforeAll(async () => {
    inHook = await useDatabase();
  });

  test('each call gives a migrated database of its own', async () => {
    expect(inHook.url).not.toBe(database.url);
    await rows(database.url, 'CREATE TABLE only_here ()');
    expect(await rows(inHook.url, "SELECT to_regclass('only_here') AS found")).toEqual([{ found: null }]);
    expect(await rows(inHook.url, "SELECT to_regclass('critical_jobs') IS NOT NULL AS found")).toEqual([
      { found: true },
    ]);
  });

  test('an empty database has no tables', async () => {
    const empty = await useEmptyDatabase();
    expect(await rows(empty.url, "SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'public'")).toEqual([
      { n: 0 },
    ]);
  });

  test('databases are dropped and keys deleted afterwards, even under open connections', async () => {
    const own = await startOwnRedis();
    const redis = new Redis(url);
    await redis.set(`${prefix}:left`, 'over');
    const lingering = new pg.Client({ connectionString: database.url });
    lingering.on('error', () => undefined);
    await lingering.connect();
    const name = new URL(database.url).pathname.slice(1);
    const admin = database.url.replace(name, 'postgres');
    const exists = `SELECT count(*)::int AS n FROM pg_database WHERE datname = '${name}'`;
    expect(await rows(admin, exists)).toEqual([{ n: 1 }]);

    await runCleanup();

    expect(await rows(admin, exists)).toEqual([{ n: 0 }]);
    expect(await redis.exists(`${prefix}:left`)).toBe(0);
    expect(() => process.kill(own.pid, 0)).toThrow('ESRCH');
    redis.disconnect();
  });
});
