import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { DemoProviders, DemoSecrets } from '../../packages/sandbox/src/demo/index.ts';
import { repositoryCacheDir } from '../../packages/sandbox/src/servers/index.ts';
import { buyTicket, showWhatIsThere } from './buy-ticket.ts';
import { consoleLink } from './console-link.ts';
import { ProcessGroup } from './process-group.ts';
import { step } from './progress.ts';
import { startServers } from './servers.ts';
import { services } from './services.ts';
import { untilToldToStop } from './until-told-to-stop.ts';

const tenantId = 'venue-1';
/** A wallet nobody holds the key of: the buyer's, in the demo. */
const buyersWallet = '7cVfgArCheMR6Cs4t6vz5rfnqd56vZq4ndaBrY5xkxXy';

/** `npm start`: servers, schema, providers, the processes of the service, a purchase. Ctrl-C ends them in the opposite order. */
async function main(): Promise<void> {
  const print = (line: string) => console.log(line);
  const signals = untilToldToStop(process, () => process.exit(130));
  const undo: (() => Promise<void>)[] = [];
  try {
    print('starting');
    const data = join(repositoryCacheDir(), 'data');
    const apiUrl = `http://127.0.0.1:${process.env['PORT'] || '3011'}/api/v1/queue`;
    const [servers, demo] = await Promise.all([
      startServers(process.env, print).then((started) => {
        undo.push(() => started.stop());
        return started;
      }),
      // The libraries behind the sandbox take as long to load as the servers to start.
      import('../../packages/sandbox/src/demo/index.ts'),
    ]);
    const secrets = await demo.demoSecrets(join(data, 'demo-secrets.json'));
    const providers = await step('provider sandbox', print, () =>
      demo.startDemoProviders({ dataDir: data, secrets, apiUrl }),
    );
    undo.push(() => providers.stop());
    const group = new ProcessGroup({ print });
    undo.push(() => group.stop());
    const env = {
      LOG_LEVEL: 'warn',
      ...demoEnvironment(secrets, providers),
      ...given(process.env),
      DATABASE_URL: servers.databaseUrl,
      REDIS_URL: servers.redisUrl,
    };
    const [api, ...workers] = services(env).map((plan) => () => step(plan.name, print, () => group.start(plan)));
    const started = (async () => {
      // A producer needs the API alone, and beside four others it would be ready last.
      await api?.();
      const purchase = await demonstrate(env, providers, print);
      await Promise.all([...workers.map((start) => start()), purchase()]);
      print('');
      print('ready; Ctrl-C stops everything');
    })();
    await Promise.race([signals.stopped, started.then(() => signals.stopped), group.failure]);
  } finally {
    print('stopping');
    for (const one of undo.reverse()) await one();
    signals.dispose();
  }
}

/** What the environment does not say itself. */
function demoEnvironment(secrets: DemoSecrets, providers: DemoProviders): NodeJS.ProcessEnv {
  return {
    ...providers.env,
    JWT_SECRET: secrets.jwtSecret,
    METRICS_TOKEN: secrets.metricsToken,
    PAYLOAD_ENCRYPTION_KEYS: secrets.encryptionKey,
    REPORT_STORAGE_URL: `file://${join(repositoryCacheDir(), 'data', 'reports')}`,
  };
}

/** An empty variable is as good as none. */
function given(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
}

/** @returns once a purchase is accepted, what tells how it goes on */
async function demonstrate(
  env: NodeJS.ProcessEnv,
  providers: DemoProviders,
  print: (line: string) => void,
): Promise<() => Promise<void>> {
  const { demoToken } = await import('../../packages/sandbox/src/demo/index.ts');
  const root = `http://127.0.0.1:${env['PORT'] ?? '3011'}`;
  const apiUrl = `${root}/api/v1/queue`;
  const secret = env['JWT_SECRET'] ?? '';
  const [admin, venueAdmin, service] = await Promise.all([
    demoToken(secret, { sub: 'demo-admin', roles: ['admin'] }),
    demoToken(secret, { sub: 'demo-venue-admin', roles: ['venue_admin'], tenantId }),
    demoToken(secret, { sub: 'demo-service', roles: ['service'], tenantId }),
  ]);
  print('');
  print(`  API               ${apiUrl}/`);
  print(`  provider sandbox  ${providers.sandbox.url}/  (payments, mails, messages, events that arrived)`);
  print(`  console           ${await consoleLink(root, admin)}  (logs in once, within 15 minutes; later: the token)`);
  print(`  as a venue admin  ${await consoleLink(root, venueAdmin)}  (sees its own venue only)`);
  print(`  admin token       ${admin}`);
  print(`  service token     ${service}`);
  print('');
  print('buying a ticket');
  const purchase = await buyTicket({
    apiUrl,
    token: service,
    ownerWallet: buyersWallet,
    orderId: `order-${randomUUID().slice(0, 8)}`,
    print,
  });
  return async () => {
    const flow = await purchase();
    // A provider that the environment names itself is not ours to look into.
    if (env['SOLANA_RPC_URL'] !== providers.solana.url) return;
    showWhatIsThere(flow, providers, print);
    print(
      `  explorer          ${providers.solana.url}/ticket/${flow.steps.find((one) => one.name === 'mint')?.result?.['mintAddress']}`,
    );
  };
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
