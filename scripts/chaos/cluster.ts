import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyMigrations, type Database, openDatabase } from '../../packages/persistence/src/index.ts';
import {
  type DemoProviders,
  type DemoSecrets,
  demoSecrets,
  demoToken,
  startDemoProviders,
} from '../../packages/sandbox/src/demo/index.ts';
import {
  type EmbeddedServer,
  freeLoopbackPort,
  startPostgres,
  startRedis,
} from '../../packages/sandbox/src/servers/index.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { type SmallDisk, smallDisk } from './small-disk.ts';
import { createVictim, type Victim } from './victim.ts';
import { installWitness } from './witness.ts';

/** A process of the service with its own ways to the servers. */
export interface Member {
  readonly name: string;
  readonly app: string;
  readonly victim: Victim;
  readonly postgres: FaultProxy;
  readonly redis: FaultProxy;
  /** Of an API. */
  readonly url: string | null;
}

/** A whole installation on loopback: real processes, PostgreSQL, Redis and the sandbox providers. */
export interface Cluster {
  readonly members: readonly Member[];
  readonly postgres: EmbeddedServer;
  readonly redis: EmbeddedServer;
  /** What PostgreSQL writes to, where its room is limited. */
  readonly disk: SmallDisk | null;
  readonly providers: DemoProviders;
  readonly secrets: DemoSecrets;
  /** Past all faults. */
  readonly db: Database;
  /** How far the clocks of two members are apart at most, in milliseconds. */
  readonly skewMs: number;
  /** Where the webhooks of jobs may be sent: an inbox of the sandbox. */
  readonly hookUrl: string;
  token(tenantId: string): Promise<string>;
  /** May schedule, for its tenant. */
  operatorToken(tenantId: string): Promise<string>;
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** Processes by app. */
  sizes: Readonly<Record<string, number>>;
  /** Modules every process loads first: a planted fault. */
  plant?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Besides, by app. */
  envOf?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** How far each process' clock is off, by its position in the list, in milliseconds. */
  skewMs?: (position: number) => number;
  /** How much room PostgreSQL has, in MB. Default: that of the machine. */
  diskMb?: number;
  /** Fsync as in production; off it is faster, and still safe against kill -9. */
  durable?: boolean;
}

const skewClock = join(import.meta.dirname, 'clock-skew.ts');

export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const one of undo.splice(0).reverse()) await one();
  };
  try {
    const folder = await mkdtemp(join(tmpdir(), 'queue-service-chaos-'));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    const room = join(folder, 'room');
    await mkdir(room);
    const disk = options.diskMb === undefined ? null : await smallDisk(room, options.diskMb, () => postgres.pid);
    undo.push(async () => disk?.close());
    const postgres = await startPostgres({ dataDir: join(room, 'postgres'), durable: options.durable ?? false });
    undo.push(() => postgres.stop());
    const redis = await startRedis({ dataDir: join(folder, 'redis') });
    undo.push(() => redis.stop());
    await applyMigrations({ databaseUrl: postgres.url });
    const db = openDatabase({ url: postgres.url, poolSize: 4, applicationName: 'chaos', onError: () => {} });
    undo.push(() => db.close());
    await installWitness(db);
    const secrets = await demoSecrets(join(folder, 'secrets.json'));
    const providers = await startDemoProviders({ secrets, slotMs: 100 });
    undo.push(() => providers.stop());

    const env = {
      ...providers.env,
      JWT_SECRET: secrets.jwtSecret,
      METRICS_TOKEN: secrets.metricsToken,
      PAYLOAD_ENCRYPTION_KEYS: secrets.encryptionKey,
      REPORT_STORAGE_URL: `file://${join(folder, 'reports')}`,
      LOG_LEVEL: 'info',
      WORKER_CONCURRENCY: '20',
      STRIPE_TIMEOUT_MS: '1000',
      // At the limits of test keys and public nodes a long run would spend its time waiting for them.
      STRIPE_REQUESTS_PER_SECOND: '400',
      SOLANA_REQUESTS_PER_SECOND: '400',
      OPS_PORT: '0',
      ...options.env,
    };
    const members: Member[] = [];
    const skews: number[] = [];
    for (const [app, size] of Object.entries(options.sizes)) {
      for (let number = 1; number <= size; number += 1) {
        const name = `${app}-${number}`;
        const [toPostgres, toRedis] = await Promise.all([startFaultProxy(at(postgres)), startFaultProxy(at(redis))]);
        undo.push(() => Promise.all([toPostgres.close(), toRedis.close()]));
        const databaseUrl = new URL(postgres.url);
        databaseUrl.port = String(toPostgres.port);
        // The witness in the database reads from this who did it.
        databaseUrl.searchParams.set('options', `-c chaos.who=${name}`);
        const port = app === 'api' ? await freeLoopbackPort() : null;
        const skewMs = options.skewMs?.(members.length) ?? 0;
        skews.push(skewMs);
        const victim = createVictim(
          app,
          {
            ...env,
            ...options.envOf?.[app],
            DATABASE_URL: databaseUrl.href,
            REDIS_URL: `redis://127.0.0.1:${toRedis.port}`,
            CHAOS_CLOCK_SKEW_MS: String(skewMs),
            ...(port === null ? {} : { PORT: String(port) }),
          },
          { name, preload: [...(options.plant ?? []), ...(skewMs === 0 ? [] : [skewClock])] },
        );
        const url = port === null ? null : `http://127.0.0.1:${port}`;
        members.push({ name, app, victim, postgres: toPostgres, redis: toRedis, url });
      }
    }
    undo.push(() => Promise.all(members.map(({ victim }) => victim.stop(5_000))));
    for (const { victim } of members) victim.start();
    const sign = (claims: Parameters<typeof demoToken>[1]) => demoToken(secrets.jwtSecret, claims);
    return {
      members,
      postgres,
      redis,
      disk,
      providers,
      secrets,
      db,
      skewMs: Math.max(...skews) - Math.min(...skews),
      hookUrl: `${providers.sandbox.url}/hooks`,
      token: (tenantId) => sign({ sub: 'chaos', roles: ['service'], tenantId }),
      operatorToken: (tenantId) => sign({ sub: 'chaos-operator', roles: ['venue_admin'], tenantId }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function at(server: EmbeddedServer): { host: string; port: number } {
  return { host: '127.0.0.1', port: server.port };
}
