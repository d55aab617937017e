import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMigration } from '../../packages/persistence/src/migrate/index.ts';
import { startPostgres } from '../../packages/sandbox/src/servers/index.ts';

/** `pnpm db:new <name>`: writes the next migration from prisma/schema.prisma, on a PostgreSQL started just for that. */
const name = process.argv[2];
if (name === undefined) throw new Error('Usage: pnpm db:new <name>');
const folder = await mkdtemp(join(tmpdir(), 'queue-service-migration-'));
const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false });
try {
  const file = await createMigration({ databaseUrl: postgres.url, name, now: new Date() });
  console.log(file ?? 'nothing to migrate: prisma/schema.prisma and the migrations agree');
} finally {
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}
