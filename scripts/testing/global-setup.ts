import type { TestProject } from 'vitest/node';
import { applyMigrations } from '../../packages/persistence/src/migrate/index.ts';
import { startTestServers } from '../../packages/sandbox/src/testing/test-servers.ts';

/** Starts one PostgreSQL and one Redis for the whole run; with addresses in the environment it uses those. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { stop, ...servers } = await startTestServers({
    databaseUrl: process.env.TEST_DATABASE_URL || process.env.DATABASE_URL || undefined,
    redisUrl: process.env.REDIS_URL || undefined,
    log: (line) => console.log(line),
    migrate: async (databaseUrl) => {
      await applyMigrations({ databaseUrl });
    },
  });
  project.provide('testServers', servers);
  return stop;
}
