import type { Sql } from '@queue-service/persistence';
import type { Redis } from 'ioredis';
import { mastersOf, type RedisClient } from './redis/client.ts';
import { infoField } from './redis/info.ts';

/** What is wrong with a server for the use it is put to; `fatal` ones must not run in production. */
export interface DurabilityProblem {
  setting: string;
  found: string;
  wanted: string;
  fatal: boolean;
}

/**
 * Eviction would delete jobs at will, and without an append-only file a restart forgets what was acknowledged.
 * Money jobs survive both (their truth is PostgreSQL), but late.
 */
export async function checkDurability(redis: RedisClient, tier: 1 | 2 | 3): Promise<DurabilityProblem[]> {
  const found = await Promise.all(mastersOf(redis).map((master) => checkServer(master, tier)));
  return [...new Map(found.flat().map((problem) => [`${problem.setting} ${problem.found}`, problem])).values()];
}

async function checkServer(redis: Redis, tier: 1 | 2 | 3): Promise<DurabilityProblem[]> {
  const read = async (name: string) => {
    try {
      const [, value] = (await redis.config('GET', name)) as string[];
      return value;
    } catch {
      return undefined; // Hosted servers forbid CONFIG; INFO below says the same of both.
    }
  };
  const info = await redis.info();
  const problems: DurabilityProblem[] = [];
  const policy = (await read('maxmemory-policy')) ?? infoField(info, 'maxmemory_policy') ?? 'unknown';
  if (policy !== 'noeviction')
    problems.push({ setting: 'maxmemory-policy', found: policy, wanted: 'noeviction', fatal: true });
  const aof = (await read('appendonly')) ?? (infoField(info, 'aof_enabled') === '1' ? 'yes' : 'no');
  if (aof !== 'yes' && tier < 3) problems.push({ setting: 'appendonly', found: aof, wanted: 'yes', fatal: tier === 1 });
  return problems;
}

/**
 * Without synchronous commits a crash of the server forgets the last jobs that were acknowledged, and effects that were
 * noted before they were sent: lost jobs and doubled charges. Without fsync a power cut does the same.
 */
export async function checkDatabaseDurability(sql: Sql): Promise<DurabilityProblem[]> {
  const [found] = await sql.query<{ commit: string; fsync: string }>(
    'check-durability',
    `SELECT current_setting('synchronous_commit') AS commit, current_setting('fsync') AS fsync`,
  );
  const problems: DurabilityProblem[] = [];
  if (found?.commit === 'off')
    problems.push({ setting: 'synchronous_commit', found: 'off', wanted: 'on', fatal: true });
  if (found?.fsync === 'off') problems.push({ setting: 'fsync', found: 'off', wanted: 'on', fatal: true });
  return problems;
}
