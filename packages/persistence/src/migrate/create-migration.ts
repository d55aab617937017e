import { NO_FILTER } from './apply-migrations.ts';
import { type MigrationPaths, readMigrations, readSchema, writeMigration } from './migration-files.ts';
import { withSchemaEngine } from './schema-engine.ts';

export interface SchemaComparisonOptions extends MigrationPaths {
  /** A server on which a scratch database may be created; the database itself is not touched. */
  databaseUrl: string;
}

/** SQL that leads from the migrations to the schema; empty when they agree. */
export async function diffSchema(options: SchemaComparisonOptions): Promise<string> {
  const [migrationsList, schema] = await Promise.all([readMigrations(options), readSchema(options)]);
  return withSchemaEngine(options.databaseUrl, schema, async (engine) => {
    const { stdout } = await engine.diff({
      from:
        migrationsList.migrationDirectories.length === 0 ? { tag: 'empty' } : { tag: 'migrations', ...migrationsList },
      to: { tag: 'schemaDatamodel', files: [schema] },
      script: true,
      exitCode: null,
      filters: NO_FILTER,
    });
    const script = stdout ?? '';
    return script.includes('This is an empty migration') ? '' : script;
  });
}

function timestamp(now: Date): string {
  return now.toISOString().replace(/\D/g, '').slice(0, 14);
}

/**
 * Writes `prisma/migrations/<UTC time>_<name>/migration.sql` with what is between the migrations and the schema.
 * @returns the file's path, or `undefined` when there is nothing to migrate.
 */
export async function createMigration(
  options: SchemaComparisonOptions & { name: string; now: Date },
): Promise<string | undefined> {
  if (!/^[a-z0-9_]+$/.test(options.name)) throw new Error('name: only lower-case letters, digits and _ are allowed');
  const script = await diffSchema(options);
  if (script === '') return undefined;
  return writeMigration(options, `${timestamp(options.now)}_${options.name}`, script);
}
