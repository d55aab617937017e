export { type ApplyMigrationsOptions, applyMigrations, markRolledBack } from './apply-migrations.ts';
export { createMigration, diffSchema, type SchemaComparisonOptions } from './create-migration.ts';
export type { MigrationPaths } from './migration-files.ts';
export { MigrationHistoryError } from './migration-history-error.ts';
export { type MigrationStatus, migrationStatus, type QueryRows } from './migration-status.ts';
