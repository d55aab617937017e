import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MigrationList } from '@prisma/schema-engine-wasm';

export interface MigrationPaths {
  /** Default: `prisma/migrations` of this repository. */
  migrationsDir?: string | undefined;
  /** Default: `prisma/schema.prisma` of this repository. */
  schemaPath?: string | undefined;
}

const PRISMA_DIR = fileURLToPath(new URL('../../../../prisma', import.meta.url));
const LOCKFILE = 'migration_lock.toml';
const LOCKFILE_CONTENT = `# Written by the migration runner. It belongs into version control.\nprovider = "postgresql"\n`;

export function migrationsDir(paths: MigrationPaths): string {
  return resolve(paths.migrationsDir ?? join(PRISMA_DIR, 'migrations'));
}

export async function readSchema(paths: MigrationPaths): Promise<{ path: string; content: string }> {
  const path = resolve(paths.schemaPath ?? join(PRISMA_DIR, 'schema.prisma'));
  return { path: basename(path), content: await readFile(path, 'utf8') };
}

async function textOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The names of the migration folders, oldest first: they begin with their time. */
export async function migrationNames(paths: MigrationPaths): Promise<string[]> {
  try {
    const entries = await readdir(migrationsDir(paths), { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export async function readMigrations(paths: MigrationPaths): Promise<MigrationList> {
  const baseDir = migrationsDir(paths);
  const names = await migrationNames(paths);
  return {
    baseDir,
    lockfile: { path: LOCKFILE, content: await textOrNull(join(baseDir, LOCKFILE)) },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(
      names.map(async (path) => {
        const script = await textOrNull(join(baseDir, path, 'migration.sql'));
        if (script === null) throw new Error(`Migration ${path} has no migration.sql`);
        return { path, migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value: script } } };
      }),
    ),
  };
}

export async function writeMigration(paths: MigrationPaths, name: string, script: string): Promise<string> {
  const baseDir = migrationsDir(paths);
  await mkdir(join(baseDir, name), { recursive: true });
  await writeFile(join(baseDir, LOCKFILE), LOCKFILE_CONTENT);
  const file = join(baseDir, name, 'migration.sql');
  await writeFile(file, script);
  return file;
}
