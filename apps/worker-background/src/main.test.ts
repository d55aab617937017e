import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Runtime } from '@queue-service/queue';
import { startSegment } from '@queue-service/sandbox';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readConfig } from './config.ts';
import { openTestRuntime } from './testing/test-runtime.ts';

let runtime: Runtime;
let environment: Record<string, string>;
let sandbox: Awaited<ReturnType<typeof startSegment>>;
const children: ChildProcess[] = [];

beforeAll(async () => {
  const opened = await openTestRuntime();
  runtime = opened.runtime;
  sandbox = await startSegment();
  environment = {
    PATH: process.env.PATH ?? '',
    DATABASE_URL: opened.databaseUrl,
    REDIS_URL: opened.redisUrl,
    QUEUE_PREFIX: opened.prefix,
    PAYLOAD_ENCRYPTION_KEYS: `k:${Buffer.alloc(32, 7).toString('base64')}`,
    SEGMENT_WRITE_KEY: 'key',
    SEGMENT_HOST: sandbox.url,
    OPS_PORT: String(await freePort()),
  };
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await runtime.close();
  await sandbox.stop();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function start(env: Record<string, string>) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return { child, ended: once(child, 'exit').then(([code]) => code as number | null), output: () => output };
}
const ready = () =>
  vi.waitFor(
    async () => expect((await fetch(`http://127.0.0.1:${environment['OPS_PORT']}/health/ready`)).status).toBe(200),
    { timeout: 30_000, interval: 100 },
  );

it('refuses to start with every problem at once', async () => {
  const { ended, output } = start({ PATH: environment['PATH'] ?? '', REPORT_STORAGE_URL: 'ftp://somewhere' });
  expect(await ended).toBe(1);
  for (const variable of ['DATABASE_URL', 'REDIS_URL', 'SEGMENT_WRITE_KEY', 'REPORT_STORAGE_URL']) {
    expect(output()).toContain(variable);
  }
});

it('does its jobs until SIGTERM, and loses none of them', async () => {
  const first = start(environment);
  await ready();
  const answers = await runtime.producer.accept(
    Array.from({ length: 300 }, (_, n) => ({
      type: 'analytics-track' as const,
      tenantId: 't1',
      data: { anonymousId: `a-${n}`, event: 'Seen' },
    })),
  );
  const ids = answers.map((answer) => ('job' in answer ? answer.job.id : answer.jobId)).sort();
  await vi.waitFor(() => expect(sandbox.events().length).toBeGreaterThan(20), { timeout: 20_000, interval: 5 });
  first.child.kill('SIGTERM');
  expect(await first.ended).toBe(0);

  const second = start(environment);
  await vi.waitFor(
    () =>
      expect(
        sandbox
          .events()
          .map(({ messageId }) => messageId)
          .sort(),
      ).toEqual(ids),
    { timeout: 30_000 },
  );
  second.child.kill('SIGTERM');
  expect(await second.ended).toBe(0);
  expect(sandbox.duplicates).toBe(0);
});

it('says what it waits for when PostgreSQL is away, and ends at SIGTERM all the same', async () => {
  const { child, ended, output } = start({
    ...environment,
    DATABASE_URL: `postgresql://nobody@127.0.0.1:${await freePort()}/nothing`,
  });
  await vi.waitFor(() => expect(output()).toContain('Waiting for PostgreSQL'), { timeout: 20_000 });
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

it('reads where reports go', () => {
  const read = (url: string) => readConfig({ ...environment, REPORT_STORAGE_URL: url }).REPORT_STORAGE_URL;
  expect(read('file:///var/reports')).toEqual({ kind: 'file', folder: '/var/reports' });
  expect(read('s3://bucket/a/b/?region=eu-central-1&endpoint=http://minio:9000')).toEqual({
    kind: 's3',
    bucket: 'bucket',
    prefix: 'a/b',
    region: 'eu-central-1',
    endpoint: 'http://minio:9000',
  });
  for (const bad of [
    's3://',
    's3://key:secret@bucket',
    's3://bucket?endpoint=minio',
    'file://host/folder',
    'https://x',
  ]) {
    expect(() => read(bad)).toThrow('REPORT_STORAGE_URL');
  }
});
