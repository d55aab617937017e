import type { SchemaFilter } from '@prisma/schema-engine-wasm';
import { type MigrationPaths, readMigrations, readSchema } from './migration-files.ts';
import { MigrationHistoryError } from './migration-history-error.ts';
import { withMigrationLock } from './migration-lock.ts';
import { withSchemaEngine } from './schema-engine.ts';

export interface ApplyMigrationsOptions extends MigrationPaths {
  /** PostgreSQL itself, not a pooler in transaction mode: the lock belongs to the session. */
  databaseUrl: string;
  /** How long to wait for another replica that migrates. Default 5 minutes. */
  lockTimeoutMs?: number;
  log?: (line: string) => void;
}

export const NO_FILTER: SchemaFilter = { externalTables: [], externalEnums: [] };

/**
 * Applies what is not applied yet and returns the names, oldest first. Several replicas may call it at once: one works,
 * the others wait and find nothing left to do. Each migration is one transaction.
 * @throws MigrationHistoryError when an earlier migration failed, an applied one was edited since, or one fails now.
 */
export async function applyMigrations(options: ApplyMigrationsOptions): Promise<string[]> {
  const { databaseUrl, log = () => undefined } = options;
  const [migrationsList, schema] = await Promise.all([readMigrations(options), readSchema(options)]);
  if (migrationsList.migrationDirectories.length === 0) return [];
  return withMigrationLock(databaseUrl, { timeoutMs: options.lockTimeoutMs ?? 300_000, log }, () =>
    withSchemaEngine(databaseUrl, schema, async (engine) => {
      const found = await engine.diagnoseMigrationHistory({
        migrationsList,
        optInToShadowDatabase: false,
        filters: NO_FILTER,
      });
      if (found.failedMigrationNames.length > 0) throw MigrationHistoryError.failed(found.failedMigrationNames);
      if (found.editedMigrationNames.length > 0) throw MigrationHistoryError.edited(found.editedMigrationNames);
      // Migrations of a newer version are normal: an older replica may restart during a rolling update.
      const newer = found.history?.diagnostic === 'databaseIsBehind' ? [] : found.history?.unpersistedMigrationNames;
      if (newer !== undefined && newer.length > 0) log(`applied by another version: ${newer.join(', ')}`);
      try {
        const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: NO_FILTER });
        for (const name of appliedMigrationNames) log(`applied ${name}`);
        return appliedMigrationNames;
      } catch (error) {
        throw MigrationHistoryError.failing(error);
      }
    }),
  );
}

/**
 * Marks a failed migration as rolled back, so that `applyMigrations` tries it again. Nothing of it is in the database: each
 * migration is one transaction.
 */
export async function markRolledBack(options: MigrationPaths & { databaseUrl: string; name: string }): Promise<void> {
  const schema = await readSchema(options);
  await withSchemaEngine(options.databaseUrl, schema, (engine) =>
    engine.markMigrationRolledBack({ migrationName: options.name }),
  );
}
