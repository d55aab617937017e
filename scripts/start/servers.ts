import { join } from 'node:path';
import { applyMigrations } from '../../packages/persistence/src/migrate/index.ts';
import { repositoryCacheDir, startPostgres, startRedis } from '../../packages/sandbox/src/servers/index.ts';
import { step } from './progress.ts';

export interface Servers {
  databaseUrl: string;
  redisUrl: string;
  stop(): Promise<void>;
}

/**
 * PostgreSQL and Redis with the schema in place: those of the environment where it names them, else embedded ones whose
 * data stay under .cache/data between runs.
 */
export async function startServers(env: NodeJS.ProcessEnv, print: (line: string) => void): Promise<Servers> {
  const data = join(repositoryCacheDir(), 'data');
  const undo: (() => Promise<void>)[] = [];
  const stop = async () => {
    await Promise.all(undo.splice(0).map((one) => one()));
  };

  const postgres = async () => {
    if (env['DATABASE_URL']) return env['DATABASE_URL'];
    const server = await step('PostgreSQL', print, () => startPostgres({ dataDir: join(data, 'postgres') }));
    undo.push(() => server.stop());
    return server.url;
  };
  const redis = async () => {
    if (env['REDIS_URL']) return env['REDIS_URL'];
    const log = (line: string) => {
      if (line.startsWith('fetching')) print(`  ${line}`);
    };
    const server = await step('Redis', print, () => startRedis({ dataDir: join(data, 'redis'), log }));
    undo.push(() => server.stop());
    return server.url;
  };

  const [database, cache] = await Promise.allSettled([postgres(), redis()]);
  try {
    if (database.status === 'rejected') throw database.reason;
    if (cache.status === 'rejected') throw cache.reason;
    const databaseUrl = database.value;
    await step('migrations', print, () => applyMigrations({ databaseUrl, log: (line) => print(`  ${line}`) }));
    return { databaseUrl, redisUrl: cache.value, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
