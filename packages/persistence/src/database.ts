import { PrismaPg } from '@prisma/adapter-pg';
import { Pool, type PoolClient } from 'pg';
import { PrismaClient } from './generated/client.ts';

/**
 * Runs one statement. `name` lets the server keep its plan: the hot statements of the ledger are parsed once a
 * connection. Plain CRUD goes through Prisma; both share one pool.
 */
export interface Sql {
  query<Row extends object>(name: string, text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export interface Database extends Sql {
  readonly prisma: PrismaClient;
  /** Commits when `work` returns, rolls back when it throws. Never retried: what `work` did outside stays done. */
  transaction<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result>;
  /** @throws when PostgreSQL does not answer */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** DATABASE_URL. */
  url: string;
  /** Connections at most. Default 10. */
  poolSize?: number;
  /** How long to wait for a free or new connection before giving up, in milliseconds. Default 5000. */
  connectTimeoutMs?: number;
  applicationName?: string;
  onError?: (error: Error) => void;
}

/** Opens no connection yet: a database that is away shows at the first statement. Whoever opens, closes. */
export function openDatabase(options: DatabaseOptions): Database {
  const pool = new Pool({
    connectionString: options.url,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    application_name: options.applicationName ?? 'queue-service',
    // A statement that outlives this holds locks others wait for; the longest job of this service is not SQL.
    statement_timeout: 60_000,
    // A process that is frozen in a transaction holds its locks; whoever takes over must not wait for it to wake up.
    idle_in_transaction_session_timeout: 8_000,
    keepAlive: true,
  });
  // A connection that breaks while nobody asks it anything would otherwise end the process: an idle one (the pool listens),
  // and one that is checked out, between two statements. Its next statement fails.
  pool.on('error', (error) => options.onError?.(error));
  pool.on('connect', (client) => client.on('error', () => {}));
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: false }) });

  return {
    ...sqlOn(pool),
    prisma,
    transaction: (work) => transaction(pool, work),
    ping: async () => {
      await pool.query('SELECT 1');
    },
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

function sqlOn(target: Pool | PoolClient): Sql {
  return {
    query: async <Row extends object>(name: string, text: string, values: readonly unknown[] = []) =>
      (await target.query<Row>({ name, text, values: [...values] })).rows,
  };
}

async function transaction<Result>(pool: Pool, work: (sql: Sql) => Promise<Result>): Promise<Result> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(sqlOn(client));
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

const connectionClasses = ['08', '57P', '53'];
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EAI_AGAIN',
]);

/** True when the statement failed because PostgreSQL cannot be reached or is shutting down, not because of the statement. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.some(isDatabaseUnavailable);
  const code = (error as { code?: unknown }).code;
  if (
    typeof code === 'string' &&
    (networkCodes.has(code) || connectionClasses.some((prefix) => code.startsWith(prefix)))
  )
    return true;
  // pg gives these no code.
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Connection ended unexpectedly/.test(
    error.message,
  );
}
