import { randomBytes } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import pg from 'pg';

function asAdapterError(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError) || error.code === undefined) return error;
  return new DriverAdapterError({
    kind: 'postgres',
    originalCode: error.code,
    originalMessage: error.message,
    code: error.code,
    severity: error.severity ?? 'ERROR',
    message: error.message,
    detail: error.detail,
    column: error.column,
    hint: error.hint,
  });
}

/**
 * The stock adapter cuts a script at every semicolon, which breaks function bodies and text that holds one, and leaves
 * the first half of a failed migration in the database. Sent whole, PostgreSQL runs it as one transaction.
 */
function runScriptsWhole(adapter: SqlDriverAdapter, pool: pg.Pool): void {
  adapter.executeScript = async (script) => {
    try {
      await pool.query(script);
    } catch (error) {
      throw asAdapterError(error);
    }
  };
}

const { CHAR, TEXT } = pg.types.builtins;

/**
 * The schema engine reads the system catalogue, where columns have PostgreSQL's one-byte type `"char"`. The stock
 * adapter refuses that type; so it is shown text in its place, and the engine the right type again.
 */
function readCatalogueChars(adapter: SqlDriverAdapter, pool: pg.Pool): void {
  const charColumns = new WeakMap<object, number[]>();
  const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<pg.QueryResult>;
  pool.query = (async (...args: unknown[]) => {
    const result = await query(...args);
    const found = (result.fields ?? []).flatMap((field, index) => (field.dataTypeID === CHAR ? [index] : []));
    for (const index of found) Object.assign(result.fields[index] as pg.FieldDef, { dataTypeID: TEXT });
    if (found.length > 0) charColumns.set(result.rows, found);
    return result;
  }) as typeof pool.query;
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (sql) => {
    const result = await queryRaw(sql);
    for (const index of charColumns.get(result.rows) ?? []) result.columnTypes[index] = ColumnTypeEnum.Character;
    return result;
  };
}

/** Connections for the schema engine. `close` ends them all, and drops the scratch databases it asked for. */
export function migrationAdapterFactory(databaseUrl: string): {
  factory: SqlMigrationAwareDriverAdapterFactory;
  close(): Promise<void>;
} {
  const undo: (() => Promise<unknown>)[] = [];

  async function connect(url: string): Promise<SqlDriverAdapter> {
    const pool = new pg.Pool({ connectionString: url, max: 2 });
    // A connection that breaks while idle: the statement that needs it next reports it.
    pool.on('error', () => undefined);
    undo.push(() => pool.end());
    const adapter = await new PrismaPg(pool).connect();
    runScriptsWhole(adapter, pool);
    readCatalogueChars(adapter, pool);
    return adapter;
  }

  return {
    factory: {
      provider: 'postgres',
      adapterName: '@prisma/adapter-pg',
      connect: () => connect(databaseUrl),
      async connectToShadowDb() {
        const name = `shadow_${randomBytes(8).toString('hex')}`;
        const admin = new pg.Client({ connectionString: databaseUrl });
        await admin.connect();
        undo.push(() => admin.end());
        await admin.query(`CREATE DATABASE ${name}`);
        undo.push(() => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
        const url = new URL(databaseUrl);
        url.pathname = `/${name}`;
        return connect(url.toString());
      },
    },
    async close() {
      for (const step of undo.splice(0).reverse()) await step();
    },
  };
}
