import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSchema } from '#contracts';
import { stubApi } from './testing/stub-api.ts';

const run = promisify(execFile);
const packageRoot = dirname(import.meta.dirname);
const tsc = join(packageRoot, 'node_modules/typescript/bin/tsc');

const producer = `
import { createQueueClient, type JobResult } from '@queue-service/client';

const client = createQueueClient({ baseUrl: process.argv[2] ?? '', token: 'token' });
const job = await client.jobs.add('send-sms', { to: '+41791234567', body: 'Doors at 7' });
const result: JobResult<'send-sms'> = await client.jobs.waitFor(job);
console.log(JSON.stringify(result));
// @ts-expect-error a body is required
const misuse = () => client.jobs.add('send-sms', { to: '+41791234567' });
// @ts-expect-error there is no such type
const unknown = () => client.jobs.add('send-fax', {});
void [misuse, unknown];
`;

let outside: string;

/** A project elsewhere that has the tarball and what the tarball depends on, and nothing of this repository. */
beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), 'queue-producer-'));
  await run('pnpm', ['pack', '--pack-destination', outside], { cwd: packageRoot });
  const [tarball] = globSync('*.tgz', { cwd: outside });
  const installed = join(outside, 'node_modules/@queue-service/client');
  await mkdir(installed, { recursive: true });
  await run('tar', ['xzf', join(outside, tarball ?? ''), '--strip-components=1', '-C', installed]);
  await mkdir(join(outside, 'node_modules/@types'));
  for (const name of ['zod', 'standardwebhooks', '@types/node']) {
    await symlink(await realpath(join(packageRoot, 'node_modules', name)), join(outside, 'node_modules', name));
  }
  await writeFile(join(outside, 'package.json'), '{"type":"module"}');
  await writeFile(join(outside, 'producer.ts'), producer);
  const compilerOptions = { strict: true, module: 'nodenext', target: 'es2023', types: ['node'], outDir: 'out' };
  await writeFile(join(outside, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['producer.ts'] }));
}, 120_000);

afterAll(() => rm(outside, { recursive: true, force: true }));

test('a producer outside the repository compiles against the tarball and runs with it', async () => {
  await run(process.execPath, [tsc], { cwd: outside }).catch((error: { stdout: string }) => {
    expect.fail(error.stdout);
  });
  const result = {
    sid: 'SM0123456789abcdef0123456789abcdef',
    status: 'queued',
  };
  const job = jobSchema.parse({
    id: '0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f',
    queue: 'communication',
    type: 'send-sms',
    status: 'completed',
    priority: 5,
    attempts: 1,
    maxAttempts: 3,
    tenantId: 'venue-1',
    idempotencyKey: null,
    createdAt: '2026-01-01T00:00:00.000Z',
    startedAt: null,
    finishedAt: null,
    result,
    error: null,
    scheduledFor: null,
    flowId: null,
    delivery: null,
  });
  await using api = await stubApi([
    { status: 202, body: { job: { ...job, status: 'pending', result: null } } },
    { status: 200, body: { job } },
  ]);
  const { stdout } = await run(process.execPath, [join(outside, 'out/producer.js'), api.url]);
  expect(JSON.parse(stdout)).toEqual(result);
  expect(api.received.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /api/v1/queue/jobs',
    `GET /api/v1/queue/jobs/${job.id}`,
  ]);
}, 60_000);
