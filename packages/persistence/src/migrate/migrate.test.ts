import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { useDatabase, useEmptyDatabase } from '@queue-service/sandbox/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  applyMigrations,
  createMigration,
  diffSchema,
  MigrationHistoryError,
  markRolledBack,
  migrationStatus,
} from './index.ts';
import { migrationNames } from './migration-files.ts';
import { withMigrationLock } from './migration-lock.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queue-service-migrate-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function rows(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function status(url: string, migrationsDir?: string) {
  return migrationStatus((sql) => rows(url, sql), { migrationsDir });
}

/** Migrations and a schema of a test's own. */
async function project(name: string, migrations: Record<string, string>) {
  const migrationsDir = join(folder, name, 'migrations');
  const schemaPath = join(folder, name, 'schema.prisma');
  await mkdir(migrationsDir, { recursive: true });
  for (const [migration, sql] of Object.entries(migrations)) {
    await mkdir(join(migrationsDir, migration), { recursive: true });
    await writeFile(join(migrationsDir, migration, 'migration.sql'), sql);
  }
  await writeFile(schemaPath, 'datasource db {\n  provider = "postgresql"\n}\n');
  return { migrationsDir, schemaPath };
}

describe('the migrations of this repository', () => {
  test('lead exactly to prisma/schema.prisma', async () => {
    const { url } = await useEmptyDatabase();
    expect(await diffSchema({ databaseUrl: url })).toBe('');
  });

  test('a second run applies nothing', async () => {
    const { url } = await useEmptyDatabase();
    expect(await applyMigrations({ databaseUrl: url })).toEqual(await migrationNames({}));
    expect(await applyMigrations({ databaseUrl: url })).toEqual([]);
  });

  test('replicas that start together apply each of them once', async () => {
    const { url } = await useEmptyDatabase();
    const results = await Promise.all([1, 2, 3].map(() => applyMigrations({ databaseUrl: url })));
    expect(results.flat().sort()).toEqual(await migrationNames({}));
    expect(await rows(url, 'SELECT migration_name FROM _prisma_migrations ORDER BY 1')).toEqual(
      (await migrationNames({})).map((migration_name) => ({ migration_name })),
    );
  });

  test('leave nothing behind that keeps a finished program alive', async () => {
    const { url } = await useEmptyDatabase();
    // In a process of its own: in this one, timers of others come and go.
    const module = JSON.stringify(new URL('./index.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        ...['--input-type=module', '--eval'],
        `import { applyMigrations } from ${module};
       await applyMigrations({ databaseUrl: process.env.DATABASE_URL });
       console.log(process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length);`,
      ],
      { env: { DATABASE_URL: url } },
    );
    expect(stdout).toBe('0\n');
  });

  test('the status tells a migrated database from an empty one', async () => {
    const [migrated, empty] = await Promise.all([useDatabase(), useEmptyDatabase()]);
    expect(await status(migrated.url)).toEqual({
      upToDate: true,
      applied: await migrationNames({}),
      pending: [],
      failed: [],
    });
    expect(await status(empty.url)).toEqual({
      upToDate: false,
      applied: [],
      pending: await migrationNames({}),
      failed: [],
    });
  });
});

describe('a migration that fails', () => {
  test('is named with its reason, leaves nothing behind, blocks later runs, and can be tried again', async () => {
    const { url } = await useEmptyDatabase();
    const own = await project('failing', {
      '20260101000000_good': 'CREATE TABLE good (id int);',
      '20260102000000_bad': 'CREATE TABLE half (id int); ALTER TABLE missing ADD COLUMN x int;',
    });
    const options = { ...own, databaseUrl: url };

    const failure = await applyMigrations(options).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MigrationHistoryError);
    expect(failure).toMatchObject({ code: 'migration_failed', migrations: ['20260102000000_bad'] });
    expect((failure as Error).message).toMatch(/20260102000000_bad.*missing/);
    expect(await rows(url, "SELECT to_regclass('half') AS half")).toEqual([{ half: null }]);
    expect(await status(url, own.migrationsDir)).toEqual({
      upToDate: false,
      applied: ['20260101000000_good'],
      pending: ['20260102000000_bad'],
      failed: ['20260102000000_bad'],
    });

    await expect(applyMigrations(options)).rejects.toThrow('failed in an earlier run');

    await project('failing', { '20260102000000_bad': 'CREATE TABLE whole (id int);' });
    await markRolledBack({ ...options, name: '20260102000000_bad' });
    expect(await applyMigrations(options)).toEqual(['20260102000000_bad']);
    expect(await status(url, own.migrationsDir)).toMatchObject({ upToDate: true, failed: [] });
  });
});

describe('migration scripts', () => {
  test('may hold functions and text with semicolons', async () => {
    const { url } = await useEmptyDatabase();
    const own = await project('semicolons', {
      '20260101000000_function': `
        CREATE FUNCTION answer() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'a;b'; END; $$;
        COMMENT ON FUNCTION answer() IS 'one; two';`,
    });
    await applyMigrations({ ...own, databaseUrl: url });
    expect(await rows(url, 'SELECT answer() AS text')).toEqual([{ text: 'a;b' }]);
  });

  test('must not change after they were applied', async () => {
    const { url } = await useEmptyDatabase();
    const own = await project('edited', { '20260101000000_first': 'CREATE TABLE first (id int);' });
    await applyMigrations({ ...own, databaseUrl: url });
    await project('edited', { '20260101000000_first': 'CREATE TABLE first (id bigint);' });
    await expect(applyMigrations({ ...own, databaseUrl: url })).rejects.toMatchObject({
      code: 'migration_edited',
      migrations: ['20260101000000_first'],
    });
  });

  test('of a newer version do not stop an older one', async () => {
    const { url } = await useEmptyDatabase();
    const newer = await project('rolling', {
      '20260101000000_first': 'CREATE TABLE first (id int);',
      '20260102000000_second': 'CREATE TABLE second (id int);',
    });
    await applyMigrations({ ...newer, databaseUrl: url });
    await rm(join(newer.migrationsDir, '20260102000000_second'), { recursive: true });
    const lines: string[] = [];
    expect(await applyMigrations({ ...newer, databaseUrl: url, log: (line) => lines.push(line) })).toEqual([]);
    expect(lines).toEqual(['applied by another version: 20260102000000_second']);
    expect(await status(url, newer.migrationsDir)).toMatchObject({ upToDate: true });
  });
});

describe('a new migration', () => {
  test('holds the SQL between migrations and schema, under its time and name', async () => {
    const { url } = await useEmptyDatabase();
    const { schemaPath, migrationsDir } = await project('created', {});
    await cp(new URL('../../../../prisma/schema.prisma', import.meta.url), schemaPath);
    const options = { databaseUrl: url, schemaPath, migrationsDir, now: new Date('2026-03-04T05:06:07.890Z') };
    expect(await createMigration({ ...options, name: 'init' })).toBe(
      join(migrationsDir, '20260304050607_init', 'migration.sql'),
    );
    expect(await diffSchema(options)).toBe('');
    expect(await createMigration({ ...options, name: 'again' })).toBeUndefined();
    expect(await applyMigrations(options)).toEqual(['20260304050607_init']);
    await expect(createMigration({ ...options, name: '../up' })).rejects.toThrow('name:');
  });

  test('leaves no scratch database behind', async () => {
    const { url } = await useEmptyDatabase();
    await diffSchema({ databaseUrl: url });
    expect(await rows(url, "SELECT datname FROM pg_database WHERE datname LIKE 'shadow\\_%'")).toEqual([]);
  });
});

describe('the migration lock', () => {
  const others: Promise<void>[] = [];
  const quiet = { timeoutMs: 30_000, log: () => undefined };

  test('lets one work at a time', async () => {
    const { url } = await useEmptyDatabase();
    const order: string[] = [];
    await withMigrationLock(url, quiet, async () => {
      const waiting = Promise.withResolvers<void>();
      const log = (line: string) => {
        order.push(line);
        waiting.resolve();
      };
      others.push(
        withMigrationLock(url, { ...quiet, log }, async () => {
          order.push('second works');
        }),
      );
      await waiting.promise;
      order.push('first is done');
    });
    await Promise.all(others.splice(0));
    expect(order).toEqual(['another process migrates; waiting for it', 'first is done', 'second works']);
  });

  test('gives up when its time is over', async () => {
    const { url } = await useEmptyDatabase();
    await withMigrationLock(url, quiet, async () => {
      await expect(withMigrationLock(url, { timeoutMs: 0, log: () => undefined }, async () => 'in')).rejects.toThrow(
        'has been migrating for 0 ms',
      );
    });
  });

  test('is free again when its work threw', async () => {
    const { url } = await useEmptyDatabase();
    await expect(withMigrationLock(url, quiet, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await withMigrationLock(url, quiet, async () => 'in')).toBe('in');
  });
});

// Each call starts a Node of its own and compiles the engine: many seconds on a machine that is busy with other tests.
describe('pnpm db:migrate', { timeout: 120_000 }, () => {
  const cli = join(import.meta.dirname, '../cli/migrate.ts');
  const run = (url: string, ...args: string[]) =>
    promisify(execFile)(process.execPath, [cli, ...args], {
      env: { ...process.env, DATABASE_URL: url },
    });

  test('applies what is pending, and then has nothing to do', async () => {
    const { url } = await useEmptyDatabase();
    expect((await run(url)).stdout).toBe((await migrationNames({})).map((name) => `applied ${name}\n`).join(''));
    expect((await run(url)).stdout).toBe('nothing to apply\n');
  });

  test('--status says by its exit code whether something is pending', async () => {
    const [migrated, empty] = await Promise.all([useDatabase(), useEmptyDatabase()]);
    const names = await migrationNames({});
    expect((await run(migrated.url, '--status')).stdout).toBe(names.map((name) => `applied  ${name}\n`).join(''));
    await expect(run(empty.url, '--status')).rejects.toMatchObject({
      code: 1,
      stdout: names.map((name) => `pending  ${name}\n`).join(''),
    });
  });

  test('--diff says that schema and migrations agree', async () => {
    const { url } = await useEmptyDatabase();
    expect((await run(url, '--diff')).stdout).toBe('prisma/schema.prisma and the migrations agree\n');
  });

  test('names the variable it misses', async () => {
    await expect(run('')).rejects.toMatchObject({ code: 1, stderr: 'DATABASE_URL is not set\n' });
  });
});
