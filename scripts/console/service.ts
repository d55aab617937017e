import { join } from 'node:path';
import {
  type DemoProviders,
  demoSecrets,
  demoToken,
  startDemoProviders,
} from '../../packages/sandbox/src/demo/index.ts';
import { freeLoopbackPort } from '../../packages/sandbox/src/servers/index.ts';
import { consoleLink } from '../start/console-link.ts';
import { ProcessGroup } from '../start/process-group.ts';

export interface ServiceOptions {
  databaseUrl: string;
  redisUrl: string;
  queuePrefix: string;
  /** For the secrets. */
  dataDir: string;
  /** What runs besides the API; default: all. */
  fleets?: readonly string[];
  /** What the processes write. */
  print(line: string): void;
}

export interface Service {
  /** Origin of the API. */
  url: string;
  providers: DemoProviders;
  /** Of its tokens. */
  jwtSecret: string;
  token(claims: { sub: string; roles: readonly string[]; tenantId?: string }): Promise<string>;
  /** A link that logs in once. */
  loginLink(token: string): Promise<string>;
  stop(): Promise<void>;
}

const allFleets = ['worker-money', 'worker-communication', 'worker-background', 'scheduler'];

/** The processes of the service, over a database and a Redis that are there. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const secrets = await demoSecrets(join(options.dataDir, 'secrets.json'));
  const providers = await startDemoProviders({ secrets });
  const group = new ProcessGroup({ print: options.print });
  const stop = async () => {
    await group.stop();
    await providers.stop();
  };
  const port = await freeLoopbackPort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    PATH: process.env['PATH'],
    ...providers.env,
    LOG_LEVEL: 'warn',
    JWT_SECRET: secrets.jwtSecret,
    PAYLOAD_ENCRYPTION_KEYS: secrets.encryptionKey,
    DATABASE_URL: options.databaseUrl,
    REDIS_URL: options.redisUrl,
    QUEUE_PREFIX: options.queuePrefix,
    REPORT_STORAGE_URL: `file://${join(options.dataDir, 'reports')}`,
    DATABASE_POOL_SIZE: '5',
  };
  const entry = (app: string) => join(import.meta.dirname, '../../apps', app, 'src/main.ts');
  try {
    await Promise.all([
      group.start({
        name: 'api',
        entry: entry('api'),
        env: { ...env, PORT: String(port) },
        readyUrl: `${url}/api/v1/queue/health/ready`,
      }),
      ...(options.fleets ?? allFleets).map(async (name) => {
        const ops = await freeLoopbackPort();
        await group.start({
          name,
          entry: entry(name),
          env: { ...env, OPS_PORT: String(ops) },
          readyUrl: `http://127.0.0.1:${ops}/health/ready`,
        });
      }),
    ]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    providers,
    jwtSecret: secrets.jwtSecret,
    token: (claims) => demoToken(secrets.jwtSecret, claims),
    loginLink: (token) => consoleLink(url, token),
    stop,
  };
}
