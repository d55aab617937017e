import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';

/** Any fixed number; it must differ from 72707369, which the schema engine locks by itself. */
const LOCK_KEY = 5_831_947_012;
const RETRY_MS = 250;

/**
 * Runs `work` while no other process does, by a session lock that PostgreSQL drops when this process dies.
 * It asks again and again rather than waiting inside one statement: such a statement holds a snapshot, and a migration
 * that builds an index CONCURRENTLY would wait for it for ever.
 */
export async function withMigrationLock<T>(
  databaseUrl: string,
  options: { timeoutMs: number; log: (line: string) => void },
  work: () => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const deadline = Date.now() + options.timeoutMs;
    for (let asked = 0; ; asked++) {
      const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [LOCK_KEY]);
      if (rows[0]?.taken) break;
      if (asked === 0) options.log('another process migrates; waiting for it');
      if (Date.now() > deadline) {
        throw new Error(`Another process has been migrating for ${options.timeoutMs} ms`);
      }
      await wait(RETRY_MS);
    }
    return await work();
  } finally {
    await client.end();
  }
}
