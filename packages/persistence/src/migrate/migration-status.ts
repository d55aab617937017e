import { type MigrationPaths, migrationNames } from './migration-files.ts';

export interface MigrationStatus {
  /** Everything this version brings is applied and nothing failed. Migrations of a newer version do no harm. */
  upToDate: boolean;
  applied: string[];
  pending: string[];
  failed: string[];
}

/** Runs one statement and returns its rows. */
export type QueryRows = (sql: string) => Promise<Record<string, unknown>[]>;

/**
 * Compares the folders with `_prisma_migrations` by plain SQL, without the engine: cheap enough for a readiness probe.
 * @throws whatever `query` throws when the database cannot be reached.
 */
export async function migrationStatus(query: QueryRows, paths: MigrationPaths = {}): Promise<MigrationStatus> {
  const names = await migrationNames(paths);
  const [table] = await query(`SELECT to_regclass('_prisma_migrations') IS NOT NULL AS "exists"`);
  const rows = table?.['exists'] === true ? await query(SELECT_MIGRATIONS) : [];
  const applied = rows.filter((row) => row['applied'] === true).map((row) => String(row['name']));
  const failed = rows.filter((row) => row['failed'] === true).map((row) => String(row['name']));
  const pending = names.filter((name) => !applied.includes(name));
  return { upToDate: pending.length === 0 && failed.length === 0, applied, pending, failed };
}

const SELECT_MIGRATIONS = `
  SELECT migration_name AS name,
         bool_or(finished_at IS NOT NULL AND rolled_back_at IS NULL) AS applied,
         bool_or(finished_at IS NULL AND rolled_back_at IS NULL) AS failed
    FROM _prisma_migrations
   GROUP BY migration_name
   ORDER BY migration_name`;
