import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../servers/postgres.ts';
import { startRedis } from '../servers/redis.ts';

/** Where the tests of one run find their servers. Plain data: it travels to the test processes. */
export interface TestServers {
  /** A database in which databases may be created. */
  databaseUrl: string;
  /** The migrated database that every test database is a copy of. */
  templateDatabase: string;
  redisUrl: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    testServers: TestServers;
  }
}

export interface StartTestServersOptions {
  /** A PostgreSQL to use instead of an embedded one. Its user must be allowed to create databases. */
  databaseUrl?: string | undefined;
  /** A Redis to use instead of an embedded one. */
  redisUrl?: string | undefined;
  /** Brings the template database (its URL) to the schema the tests need. */
  migrate(databaseUrl: string): Promise<void>;
  /** What is done to get the servers: a first start may have to fetch Redis. */
  log?: (line: string) => void;
}

export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.toString();
}

/** Runs statements on a connection of their own. Statements like CREATE DATABASE cannot be in a transaction. */
export async function execute(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Starts what a test run needs, once for the whole run. `stop` removes every trace of it. */
export async function startTestServers(
  options: StartTestServersOptions,
): Promise<TestServers & { stop(): Promise<void> }> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const folder = await mkdtemp(join(tmpdir(), 'queue-service-tests-'));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    let { databaseUrl, redisUrl } = options;
    if (redisUrl === undefined) {
      const redis = await startRedis({
        dataDir: join(folder, 'redis'),
        ...(options.log ? { log: onlyOurs(options.log) } : {}),
      });
      undo.push(() => redis.stop());
      redisUrl = redis.url;
    }
    if (databaseUrl === undefined) {
      const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false });
      undo.push(() => postgres.stop());
      databaseUrl = postgres.url;
    }
    const templateDatabase = `queue_template_${randomBytes(6).toString('hex')}`;
    const admin = databaseUrl;
    await execute(admin, `CREATE DATABASE ${templateDatabase}`);
    undo.push(() => execute(admin, `DROP DATABASE IF EXISTS ${templateDatabase} WITH (FORCE)`));
    await options.migrate(withDatabase(admin, templateDatabase));
    return { databaseUrl: admin, templateDatabase, redisUrl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Redis prints a page at every start; only the lines about getting it are of interest. */
function onlyOurs(log: (line: string) => void): (line: string) => void {
  return (line) => {
    if (line.startsWith('fetching')) log(line);
  };
}
