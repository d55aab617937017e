import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { lockDataDir } from './data-dir-lock.ts';
import { type EmbeddedServer, embeddedServer } from './embedded-server.ts';
import { type PostgresRuntime, postgresRuntime } from './postgres-runtime.ts';
import { processIdentity, processName } from './process-identity.ts';
import { launch } from './server-process.ts';

const run = promisify(execFile);

export interface StartPostgresOptions {
  /** Made on the first start, used again afterwards. */
  dataDir: string;
  /** Default: any free port. */
  port?: number;
  /** Created when missing. Default `queue_service`. */
  database?: string;
  /** Default 300. */
  maxConnections?: number;
  /** `false` only for tests: no fsync, so a power cut loses data; kill -9 of the server does not. Default `true`. */
  durable?: boolean;
  log?: (line: string) => void;
}

/** fast shutdown: ends open sessions, writes a checkpoint, and leaves nothing to recover. */
const STOP_SIGNAL = 'SIGINT';

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function initialise(dataDir: string, runtime: PostgresRuntime): Promise<void> {
  // Beside the target and renamed at the end, so that an interrupted initdb never looks like a database.
  const fresh = await mkdtemp(`${dataDir}.init-`);
  if (runtime.owner !== undefined) await chown(fresh, runtime.owner.uid, runtime.owner.gid);
  await chmod(fresh, 0o700);
  const { file, args, ...user } = runtime.command('initdb', [
    `--pgdata=${fresh}`,
    '--username=postgres',
    '--auth=trust',
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-sync',
    '--no-instructions',
  ]);
  try {
    await run(file, args, { cwd: fresh, ...user });
    await rename(fresh, dataDir);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
}

/** A pid file whose pid now belongs to something else would make the server refuse to start. */
async function removeStalePidFile(dataDir: string): Promise<void> {
  const path = join(dataDir, 'postmaster.pid');
  if (!(await exists(path))) return;
  const pid = Number.parseInt(await readFile(path, 'utf8'), 10);
  const alive = (await processIdentity(pid)) !== undefined;
  if (!alive || !(await processName(pid))?.startsWith('postgres')) await rm(path, { force: true });
}

async function ensureDatabase(port: number, database: string): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  await client.connect();
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}

/**
 * Starts an embedded PostgreSQL on 127.0.0.1 and resolves when it takes connections. It listens on no other address and
 * has no password (`trust`): for development and tests only.
 * @throws Error when another living run holds `dataDir`, when its data are of another major version, or when this
 * platform has no binaries.
 */
export async function startPostgres(options: StartPostgresOptions): Promise<EmbeddedServer> {
  const dataDir = resolve(options.dataDir);
  const database = options.database ?? 'queue_service';
  await mkdir(dirname(dataDir), { recursive: true });
  const lock = await lockDataDir(dataDir, STOP_SIGNAL);
  let server: EmbeddedServer | undefined;
  try {
    const runtime = await postgresRuntime(dirname(dataDir));
    if (!(await exists(join(dataDir, 'PG_VERSION')))) await initialise(dataDir, runtime);
    await removeStalePidFile(dataDir);
    const settings: Record<string, string | number> = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: options.maxConnections ?? 300,
      lc_messages: 'C',
      log_timezone: 'UTC',
      timezone: 'UTC',
      // Commits still wait for the operating system to have them: with synchronous_commit off a kill -9 loses the last ones.
      ...(options.durable === false ? { fsync: 'off', full_page_writes: 'off' } : {}),
    };
    server = await embeddedServer({
      dataDir,
      port: options.port,
      lock,
      url: (port) => `postgresql://postgres@127.0.0.1:${port}/${database}`,
      isTransient: (output) => /pre-existing shared memory block|lock file "postmaster.pid"/.test(output),
      launch: (port) =>
        launch({
          name: 'PostgreSQL',
          ...runtime.command('postgres', [
            ...['-D', dataDir, '-p', String(port)],
            ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
          ]),
          ready: /database system is ready to accept connections/,
          stopSignal: STOP_SIGNAL,
          ...(options.log === undefined ? {} : { log: options.log }),
        }),
    });
    await ensureDatabase(server.port, database);
    return server;
  } catch (error) {
    await server?.stop();
    await lock.release();
    throw error;
  }
}
