import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { demoSecrets, startDemoProviders } from '../../../packages/sandbox/src/demo/index.ts';
import { freeLoopbackPort } from '../../../packages/sandbox/src/servers/index.ts';
import { type Bench, type Contest, compare } from '../bench.ts';
import type { Line } from '../compare.ts';

const root = join(import.meta.dirname, '../../..');
const apps = ['api', 'worker-money', 'worker-communication', 'worker-background', 'scheduler'];

interface Started {
  readySeconds: number;
  restMiB: number;
}

/** Each app alone, on its own, until its readiness says yes; then its memory when it has had nothing to do for a while. */
async function startOf(bench: Bench, name: string, env: NodeJS.ProcessEnv): Promise<Started> {
  const port = String(await freeLoopbackPort());
  const { databaseUrl, redisUrl } = await bench.settings();
  const child = spawn(process.execPath, [join(root, 'apps', name, 'src/main.ts')], {
    env: {
      ...env,
      DATABASE_URL: String(databaseUrl),
      REDIS_URL: String(redisUrl),
      PORT: port,
      OPS_PORT: port,
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    const url = `http://127.0.0.1:${port}${name === 'api' ? '/api/v1/queue/health/ready' : '/health/ready'}`;
    const startedAt = performance.now();
    while ((await fetch(url).catch(() => null))?.ok !== true) {
      if (child.exitCode !== null || performance.now() - startedAt > 60_000) throw new Error(`${name} did not start`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const readySeconds = (performance.now() - startedAt) / 1_000;
    await new Promise((resolve) => setTimeout(resolve, bench.quick ? 500 : 3_000));
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    return { readySeconds, restMiB: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN) / 1_024 };
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

/** `npm start` with everything installed and its data there, until the purchase's first job is accepted. */
async function npmStart(): Promise<number> {
  const startedAt = performance.now();
  const child = spawn('npm', ['start'], {
    ...{ cwd: root, stdio: ['ignore', 'pipe', 'inherit'] as const, detached: true },
    env: { ...process.env, PORT: String(await freeLoopbackPort()) },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let output = '';
  try {
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (/^buying a ticket\n.*\n/m.test(output)) resolve();
      });
      void ended.then(() => reject(new Error(`npm start ended:\n${output}`)));
    });
    return (performance.now() - startedAt) / 1_000;
  } finally {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
    await ended;
  }
}

export const startUp: Contest = {
  name: 'start-up',
  mostRounds: 2,
  run: async (bench) => {
    const data = join(root, '.cache/bench-start-up');
    const secrets = await demoSecrets(join(data, 'demo-secrets.json'));
    const providers = await startDemoProviders({ dataDir: data, secrets, apiUrl: 'http://127.0.0.1:9' });
    const env = {
      ...{ ...providers.env, JWT_SECRET: secrets.jwtSecret, PAYLOAD_ENCRYPTION_KEYS: secrets.encryptionKey },
      // As `npm start` has it.
      NODE_COMPILE_CACHE: join(root, '.cache/compile'),
      REPORT_STORAGE_URL: `file://${join(data, 'reports')}`,
    };
    const rest: Record<string, number[]> = Object.fromEntries(apps.map((name) => [name, []]));
    const lines: Line[] = [];
    try {
      // The first start fills the cache of compiled code.
      for (const name of apps) await startOf(bench, name, env);
      for (const name of apps) {
        lines.push(
          await compare(bench, {
            name: `${name} ready`,
            ...{ unit: 's', against: [], figure: 'value', bar: { atMost: 2 } },
            contestants: {
              ours: async () => {
                const { readySeconds, restMiB } = await startOf(bench, name, env);
                rest[name]?.push(restMiB);
                return readySeconds;
              },
            },
          }),
        );
      }
    } finally {
      await providers.stop();
    }
    const [first = []] = Object.values(rest);
    lines.push({
      ...{ name: 'memory at rest', unit: 'MiB', rounds: rest, figure: 'value', value: Math.max(...first) },
      ...{ bar: null, note: 'resident set of each process, 3 s after it was ready; the figure is the API' },
    });
    if (!bench.quick) {
      await npmStart(); // The first one installs, and makes the data.
      lines.push(
        await compare(bench, {
          name: 'npm start, warm, to the first accepted job',
          ...{ unit: 's', against: [], figure: 'value', bar: { atMost: 5 }, contestants: { ours: npmStart } },
        }),
      );
    }
    return lines;
  },
};
