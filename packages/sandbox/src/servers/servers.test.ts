import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type EmbeddedServer, startPostgres, startRedis } from './index.ts';
import { processIdentity } from './process-identity.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queue-service-servers-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function inPostgres(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function inRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

async function isRunning(pid: number): Promise<boolean> {
  return (await processIdentity(pid)) !== undefined;
}

/** Each server by the same words, so that the same promises are tested of both. */
const servers = [
  {
    name: 'PostgreSQL',
    start: (dataDir: string) => startPostgres({ dataDir, durable: false }),
    write: (url: string) => inPostgres(url, 'CREATE TABLE kept AS SELECT 42 AS value'),
    read: async (url: string) => (await inPostgres(url, 'SELECT value FROM kept'))[0]?.['value'],
    answers: (url: string) => inPostgres(url, 'SELECT 1'),
  },
  {
    name: 'Redis',
    start: (dataDir: string) => startRedis({ dataDir, appendonly: 'always' }),
    write: (url: string) => inRedis(url, (redis) => redis.set('kept', 42)),
    read: (url: string) => inRedis(url, async (redis) => Number(await redis.get('kept'))),
    answers: (url: string) => inRedis(url, (redis) => redis.ping()),
  },
];

describe.each(servers)('embedded $name', ({ name, start, write, read, answers }) => {
  let server: EmbeddedServer;
  const dataDir = () => join(folder, name, 'data');

  beforeAll(async () => {
    server = await start(dataDir());
    await write(server.url);
  });
  afterAll(() => server.stop());

  test('keeps its data over a clean stop and a new start', async () => {
    await server.stop();
    await expect(answers(server.url)).rejects.toThrow();
    server = await start(dataDir());
    expect(await read(server.url)).toBe(42);
  });

  test('keeps its address and its data over kill -9 and a restart', async () => {
    const { url, pid } = server;
    await server.kill();
    await expect(answers(url)).rejects.toThrow();
    await server.restart();
    expect(server.url).toBe(url);
    expect(server.pid).not.toBe(pid);
    expect(await read(url)).toBe(42);
  });

  test('restarts from running, too', async () => {
    await server.restart();
    expect(await read(server.url)).toBe(42);
  });

  test('refuses a data directory that a living process works on', async () => {
    await expect(start(dataDir())).rejects.toThrow(`in use by process ${process.pid}`);
    expect(await read(server.url)).toBe(42);
  });

  test('stops the server that a killed run left behind, and takes its data over', async () => {
    const left = server.pid;
    const lock = `${dataDir()}.lock`;
    const held = JSON.parse(await readFile(lock, 'utf8'));
    // As if this process had died: the pid now is somebody else's.
    await writeFile(lock, JSON.stringify({ ...held, owner: { pid: process.pid, identity: 'of an earlier process' } }));
    server = await start(dataDir());
    expect(await isRunning(left)).toBe(false);
    expect(await read(server.url)).toBe(42);
  });
});

describe('a program that is killed', () => {
  test('takes its servers with it', async () => {
    const program = `
      const { startPostgres, startRedis } = await import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))});
      const servers = await Promise.all([
        startPostgres({ dataDir: ${JSON.stringify(join(folder, 'killed', 'postgres'))}, durable: false }),
        startRedis({ dataDir: ${JSON.stringify(join(folder, 'killed', 'redis'))} }),
      ]);
      console.log(JSON.stringify(servers.map((server) => server.pid)));
      setInterval(() => undefined, 60_000);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const pids = JSON.parse(line) as number[];
    expect(await Promise.all(pids.map(isRunning))).toEqual([true, true]);
    child.kill('SIGKILL');
    await vi.waitFor(async () => expect(await Promise.all(pids.map(isRunning))).toEqual([false, false]), {
      timeout: 20_000,
      interval: 50,
    });
  });
});

describe('embedded Redis', () => {
  test('never drops a key for want of memory, and writes what it is told to', async () => {
    const server = await startRedis({ dataDir: join(folder, 'settings'), appendonly: 'everysec' });
    try {
      const settings = await inRedis(server.url, async (redis) => ({
        ...Object.fromEntries(pairs(await redis.config('GET', 'maxmemory-policy'))),
        ...Object.fromEntries(pairs(await redis.config('GET', 'append*'))),
        ...Object.fromEntries(pairs(await redis.config('GET', 'bind'))),
      }));
      expect(settings).toMatchObject({
        'maxmemory-policy': 'noeviction',
        appendonly: 'yes',
        appendfsync: 'everysec',
        bind: '127.0.0.1',
      });
    } finally {
      await server.stop();
    }
  });

  test('can hang and go on', async () => {
    const server = await startRedis({ dataDir: join(folder, 'hanging'), appendonly: 'no' });
    const redis = new Redis(server.url, { commandTimeout: 200 });
    redis.on('error', () => undefined);
    try {
      expect(await redis.ping()).toBe('PONG');
      await server.kill('SIGSTOP');
      await expect(redis.ping()).rejects.toThrow('timed out');
      await server.kill('SIGCONT');
      await vi.waitFor(async () => expect(await redis.ping()).toBe('PONG'));
    } finally {
      redis.disconnect();
      await server.stop();
    }
  });
});

function pairs(flat: unknown): [string, string][] {
  const list = flat as string[];
  return Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i] ?? '', list[2 * i + 1] ?? '']);
}
