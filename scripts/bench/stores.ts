import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { applyMigrations } from '../../packages/persistence/src/index.ts';
import { startPostgres, startRedis } from '../../packages/sandbox/src/servers/index.ts';

/** One PostgreSQL and two Redis servers, all durable as in production, for every contestant. */
export interface Stores {
  readonly redisUrl: string;
  /** For queues that are spread over two servers. */
  readonly secondRedisUrl: string;
  /** Empties the servers and gives a migrated database that nobody has used. */
  fresh(): Promise<{ databaseUrl: string; redisUrl: string; secondRedisUrl: string }>;
  /** What they promise to keep, as they say themselves. */
  durability(): Promise<string>;
  /** CPU that the servers have used so far, in seconds. */
  cpu(): Promise<ServerCpu>;
  /** The same of each Redis alone. */
  redisCpu(): Promise<number[]>;
  stop(): Promise<void>;
}

export interface ServerCpu {
  redis: number;
  /** 0 where there is no /proc to read it from. */
  postgres: number;
}

const template = 'bench_template';

export async function startStores(): Promise<Stores> {
  const folder = await mkdtemp(join(tmpdir(), 'queue-service-bench-'));
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), database: template });
  const first = await startRedis({ dataDir: join(folder, 'redis-1') });
  const second = await startRedis({ dataDir: join(folder, 'redis-2') });
  await applyMigrations({ databaseUrl: postgres.url });
  const admin = new pg.Client({ connectionString: databaseOf(postgres.url, 'postgres') });
  await admin.connect();
  const redis = [new Redis(first.url), new Redis(second.url)];
  let made = 0;
  const redisCpu = async () => {
    const told = await Promise.all(redis.map((one) => one.info('cpu')));
    return told.map((text) =>
      [...text.matchAll(/^used_cpu_(?:sys|user):([\d.]+)/gm)].reduce((sum, found) => sum + Number(found[1]), 0),
    );
  };
  return {
    redisUrl: first.url,
    secondRedisUrl: second.url,
    fresh: async () => {
      await admin.query(`DROP DATABASE IF EXISTS bench_${made} WITH (FORCE)`);
      made += 1;
      await admin.query(`CREATE DATABASE bench_${made} TEMPLATE ${template}`);
      await Promise.all(redis.map((one) => one.flushall()));
      return {
        databaseUrl: databaseOf(postgres.url, `bench_${made}`),
        ...{ redisUrl: first.url, secondRedisUrl: second.url },
      };
    },
    durability: async () => {
      const { rows } = await admin.query<{ server_version: string; fsync: string; commit: string }>(
        `SELECT current_setting('server_version') AS server_version, current_setting('fsync') AS fsync,
           current_setting('synchronous_commit') AS commit`,
      );
      const asked = async (name: string) => ((await redis[0]?.config('GET', name)) as string[] | undefined)?.[1];
      const version = /redis_version:(\S+)/.exec((await redis[0]?.info('server')) ?? '')?.[1];
      return (
        `PostgreSQL ${rows[0]?.server_version} (fsync ${rows[0]?.fsync}, synchronous_commit ${rows[0]?.commit}), ` +
        `Redis ${version} (appendonly ${await asked('appendonly')}, appendfsync ${await asked('appendfsync')})`
      );
    },
    redisCpu,
    cpu: async () => {
      const seconds = await redisCpu();
      return {
        redis: seconds.reduce((sum, one) => sum + one, 0),
        postgres: await cpuOfTree(
          Number((await readFile(join(folder, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0]),
        ),
      };
    },
    stop: async () => {
      for (const one of redis) one.disconnect();
      await admin.end();
      await Promise.all([first.stop(), second.stop(), postgres.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function databaseOf(url: string, name: string): string {
  return Object.assign(new URL(url), { pathname: `/${name}` }).href;
}

const ticksPerSecond = 100;

/** Of a process, its children that have ended and those that live. */
async function cpuOfTree(pid: number): Promise<number> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((one) => readFile(`/proc/${one}/stat`, 'utf8').catch(() => '')));
  const ticks = stats.flatMap((stat) => {
    const [, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = rest.slice(9).map(Number);
    if (stat.startsWith(`${pid} `)) return [user + system + childUser + childSystem];
    return Number(parent) === pid ? [user + system] : [];
  });
  return ticks.reduce((sum, one) => sum + one, 0) / ticksPerSecond;
}
