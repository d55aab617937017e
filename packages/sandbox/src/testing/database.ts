import { randomBytes } from 'node:crypto';
import { afterTestFile } from './file-cleanup.ts';
import { testServers } from './provided.ts';
import { execute, withDatabase } from './test-servers.ts';

async function ownDatabase(template: string): Promise<{ url: string }> {
  const { databaseUrl } = testServers();
  const name = `queue_test_${randomBytes(8).toString('hex')}`;
  afterTestFile(() => execute(databaseUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  await execute(databaseUrl, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  return { url: withDatabase(databaseUrl, name) };
}

/**
 * A fresh, migrated database of the calling test file's own. Dropped after its tests, with whatever is still connected.
 * May be called at the top level, in a hook or in a test.
 */
export function useDatabase(): Promise<{ url: string }> {
  return ownDatabase(testServers().templateDatabase);
}

/** The same without any table: for tests of the migrations themselves. */
export function useEmptyDatabase(): Promise<{ url: string }> {
  return ownDatabase('template0');
}
