import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test, vi } from 'vitest';

// Each call is a process of its own, slow to start on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const main = join(import.meta.dirname, 'main.ts');
const root = join(import.meta.dirname, '../../..');
const secret = 'T9vK2mQx7RzL4pWn8YbC1dFh6JgS3uEa';
const id = '0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f';
const at = '2026-01-01T00:00:00.000Z';
const pending = {
  id,
  queue: 'communication',
  type: 'send-sms',
  status: 'pending',
  priority: 5,
  attempts: 0,
  maxAttempts: 3,
  tenantId: 'venue-1',
  idempotencyKey: null,
  createdAt: at,
  startedAt: null,
  finishedAt: null,
  result: null as Record<string, unknown> | null,
  error: null as { code: string; message: string; retryable: boolean } | null,
  scheduledFor: null,
  flowId: null,
  delivery: null,
};
const completed = { ...pending, status: 'completed', attempts: 1, finishedAt: at, result: { sid: 'SM1' } };
const step = (name: string, status: string, dependsOn: string[], more = {}) => ({
  name,
  queue: 'money',
  type: `${name}-job`,
  status,
  dependsOn,
  onFailure: 'fail',
  jobId: null,
  attempts: 0,
  startedAt: null,
  finishedAt: null,
  result: null,
  error: null,
  compensation: null,
  ...more,
});
const flow = {
  id: 'f-1',
  name: 'purchase',
  template: null,
  status: 'running',
  tenantId: 'venue-1',
  idempotencyKey: null,
  createdAt: at,
  finishedAt: null,
  error: null,
  steps: [
    step('pay', 'completed', []),
    step('mint', 'processing', ['pay']),
    step('report', 'waiting', ['pay']),
    step('mail', 'waiting', ['pay', 'mint']),
  ],
};

const money = {
  queue: 'money',
  tier: 1,
  waiting: 12,
  active: 3,
  delayed: 1,
  oldestWaitingMs: 4_000,
  paused: true,
  pausedAt: at,
  pausedBy: 'root',
  rates: { enqueued: 5, completed: 4.2, failed: 0 },
};

interface Answer {
  status?: number;
  body: unknown;
}
type Answers = Readonly<Record<string, Answer | ((body: unknown) => Answer)>>;

/** An API that gives the documented answers by `METHOD path`. */
async function stub(answers: Answers) {
  const bodies: unknown[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = parts.length > 0 ? JSON.parse(Buffer.concat(parts).toString()) : undefined;
    if (body !== undefined) bodies.push(body);
    const answer = answers[`${request.method} ${request.url?.replace('/api/v1/queue', '')}`];
    const known = typeof answer === 'function' ? answer(body) : answer;
    const missing = { type: 'about:blank', title: 'There is no such resource', status: 404, code: 'not_found' };
    response.writeHead(known === undefined ? 404 : (known.status ?? 200), { 'content-type': 'application/json' });
    response.end(JSON.stringify(known?.body ?? missing));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function queuectl(args: string[], env: Record<string, string> = {}) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(process.execPath, [main, ...args], { env }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}
const access = (url: string) => ({ QUEUE_URL: url, QUEUE_TOKEN: 'token' });

test('help names every command, the variables and the exit codes', async () => {
  const { code, stdout } = await queuectl(['--help']);
  expect(code).toBe(0);
  for (const word of ['token', 'jobs', 'flows', 'status', 'QUEUE_URL', 'QUEUE_TOKEN', 'Exit codes', 'Examples']) {
    expect(stdout).toContain(word);
  }
});

test('a token carries the claims asked for and is signed with JWT_SECRET', async () => {
  const { code, stdout } = await queuectl(['token', '--tenant', 'venue-1'], { JWT_SECRET: secret });
  expect(code).toBe(0);
  const claims = JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString());
  expect(claims).toMatchObject({ sub: 'queuectl', roles: ['service'], tenantId: 'venue-1' });
  expect(claims.exp - claims.iat).toBe(3_600);
});

test('wrong use ends with 2 and names what is wrong', async () => {
  expect(await queuectl(['token', '--tenant', 'v'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('JWT_SECRET'),
  });
  expect(await queuectl(['jobs', 'get', id])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('QUEUE_TOKEN'),
  });
  const badType = await queuectl(['jobs', 'add', 'send-fax', '--data', '{}'], access('http://127.0.0.1:1'));
  expect(badType).toMatchObject({ code: 2, stderr: expect.stringContaining('send-fax is not a job type') });
  expect((await queuectl(['nonsense'])).code).toBe(2);
});

test('jobs add posts the job with its options and shows it', async () => {
  await using api = await stub({ 'POST /jobs': { status: 202, body: { job: pending } } });
  const data = { to: '+41791234567', body: 'Doors at 7' };
  const args = ['jobs', 'add', 'send-sms', '--data', JSON.stringify(data), '--priority', '9'];
  const { code, stdout } = await queuectl(args, access(api.url));
  expect(code).toBe(0);
  expect(api.bodies).toEqual([{ queue: 'communication', type: 'send-sms', data, options: { priority: 9 } }]);
  expect(stdout).toContain(id);
  expect(stdout).toMatch(/status +pending/);
});

test('jobs get prints JSON for scripts, and ends with 3 for a job that is not there', async () => {
  await using api = await stub({ [`GET /jobs/${id}`]: { body: { job: completed } } });
  const found = await queuectl(['jobs', 'get', id, '--json'], access(api.url));
  expect(JSON.parse(found.stdout)).toEqual(completed);
  const missing = await queuectl(['jobs', 'get', 'other'], access(api.url));
  expect(missing).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('not_found (404)') });
});

test('jobs follow ends with 0 for a completed job, 5 for a failed one, 6 when it takes too long', async () => {
  const error = { code: 'invalid_number', message: 'no such number', retryable: false };
  const failed = { ...completed, status: 'failed', result: null, error };
  await using api = await stub({
    'GET /jobs/good': { body: { job: completed } },
    'GET /jobs/bad': { body: { job: failed } },
    'GET /jobs/slow': { body: { job: pending } },
  });
  const good = await queuectl(['jobs', 'follow', 'good'], access(api.url));
  expect(good).toMatchObject({ code: 0, stdout: expect.stringContaining('{"sid":"SM1"}') });
  const bad = await queuectl(['jobs', 'follow', 'bad'], access(api.url));
  expect(bad).toMatchObject({ code: 5, stdout: expect.stringContaining('invalid_number: no such number') });
  expect((await queuectl(['jobs', 'follow', 'slow', '--timeout', '0'], access(api.url))).code).toBe(6);
});

test('flows get draws the steps as a tree', async () => {
  await using api = await stub({ 'GET /flows/f-1': { body: { flow } } });
  const { code, stdout } = await queuectl(['flows', 'get', 'f-1'], access(api.url));
  expect(code).toBe(0);
  expect(stdout.trimEnd().split('\n')).toEqual([
    'purchase f-1 running',
    '└─ ✔ pay completed (pay-job)',
    '   ├─ ◐ mint processing (mint-job)',
    '   │  └─ … mail waiting (mail-job); also after pay',
    '   └─ … report waiting (report-job)',
  ]);
});

test('flows create posts a template with its input under the key', async () => {
  await using api = await stub({ 'POST /flows': { status: 202, body: { flow } } });
  const args = ['flows', 'create', '--template', 'ticket-purchase', '--input', '{"a":1}', '--key', 'order-1'];
  expect((await queuectl(args, access(api.url))).code).toBe(0);
  const body = { template: 'ticket-purchase', input: { a: 1 }, options: { idempotencyKey: 'order-1' } };
  expect(api.bodies).toEqual([body]);
});

test('status shows the queues as a table, and says plainly when the API has no such route', async () => {
  await using api = await stub({ 'GET /queues': { body: { queues: [money] } } });
  const { code, stdout } = await queuectl(['status'], access(api.url));
  expect(code).toBe(0);
  expect(stdout).toMatch(/^money +paused +12 +3 +1 +4s +5\.0 +4\.2 +0\.0$/m);
  await using old = await stub({});
  const missing = await queuectl(['status'], access(old.url));
  expect(missing).toMatchObject({ code: 3, stderr: expect.stringContaining('has no GET /queues') });
});

test('pause says what it will do and to how many, and pauses', async () => {
  await using api = await stub({
    'GET /queues': { body: { queues: [money] } },
    'POST /queues/money/pause': { body: { queue: money } },
  });
  const one = await queuectl(['pause', 'money'], access(api.url));
  expect(one).toMatchObject({ code: 0, stdout: 'money paused\n', stderr: 'Will pause money (12 waiting)\n' });
  const wrong = await queuectl(['pause', 'cash'], access(api.url));
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('cash is not a queue: money,') });
});

test('what touches all queues is not done where nobody can be asked, without --yes', async () => {
  await using api = await stub({ 'GET /queues': { body: { queues: [money] } } });
  const unasked = await queuectl(['pause', '--all'], access(api.url));
  expect(unasked).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('add --yes') });
});

test('dead letters are listed as a table', async () => {
  const letter = {
    ...{ id: 'l-1', jobId: id, queue: 'money', type: 'nft-mint', tenantId: 'venue-1', reason: 'permanent' },
    ...{ status: 'open', error: { code: 'invalid_owner', message: 'no such wallet', retryable: false }, attempts: 1 },
    ...{
      maxAttempts: 10,
      priority: 7,
      flowId: null,
      flowStep: null,
      redrives: 0,
      resolvedBy: null,
      resolvedReason: null,
    },
    ...{ resolvedAt: null, createdAt: at },
  };
  await using api = await stub({
    'GET /dead-letters?status=open&queue=money&limit=50': { body: { deadLetters: [letter], nextCursor: null } },
  });
  const { code, stdout } = await queuectl(['dead-letters', 'list', '--queue', 'money'], access(api.url));
  expect(code).toBe(0);
  expect(stdout).toMatch(/^l-1 +nft-mint +venue-1 +permanent +invalid_owner +2026-01-01/m);
});

test('redrive says how many it would be, asks, and follows the run to its end', async () => {
  const run = {
    ...{
      id: 'run-1',
      tenantId: null,
      filter: { queue: 'money' },
      ratePerSecond: 20,
      total: 250,
      redriven: 0,
      skipped: 0,
    },
    ...{ status: 'running', createdBy: 'root', stoppedBy: null, createdAt: at, finishedAt: null },
  };
  const dry = { dryRun: true, matching: 250, deadLetters: [], skipped: [], run: null };
  await using api = await stub({
    'POST /dead-letters/redrive': (body) =>
      (body as { dryRun: boolean }).dryRun ? { body: dry } : { body: { ...dry, dryRun: false, run } },
    'GET /dead-letters/redrives/run-1': { body: { run: { ...run, status: 'completed', redriven: 249, skipped: 1 } } },
  });
  const looked = await queuectl(['redrive', '--all', '--queue', 'money', '--dry-run'], access(api.url));
  expect(looked).toMatchObject({ code: 0, stdout: expect.stringContaining('250 jobs would start again') });
  const unasked = await queuectl(['redrive', '--all', '--queue', 'money'], access(api.url));
  expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('Will start 250 jobs again') });
  const done = await queuectl(['redrive', '--all', '--queue', 'money', '--yes'], access(api.url));
  expect(done).toMatchObject({ code: 0, stdout: 'completed: 249 jobs started again, 1 could not\n' });
});

test('a report is made, and written where it was asked for', async () => {
  const result = { reportId: 'r-1', rows: 2, bytes: 8, format: 'csv', url: '/api/v1/queue/reports/r-1' };
  const job = { ...completed, queue: 'background', type: 'generate-report', result };
  await using api = await stub({
    'POST /jobs': { status: 202, body: { job } },
    [`GET /jobs/${id}`]: { body: { job } },
    'GET /reports/r-1': { body: [1, 2] },
  });
  const file = join(await mkdtemp(join(tmpdir(), 'reports-')), 'settlement.csv');
  const made = await queuectl(['reports', 'make', 'settlement', '--from', '30d', '--out', file], access(api.url));
  expect(made).toMatchObject({ code: 0, stdout: 'report r-1: 2 rows, 8 bytes\n' });
  expect(await readFile(file, 'utf8')).toBe('[1,2]');
});

test('reconcile posts the job, shows what differs, and ends with 5 when something does', async () => {
  const result = {
    ...{
      reportId: 'r-1',
      from: at,
      to: at,
      ledgerRows: 7,
      providerRows: 8,
      differences: 1,
      ledgerOnly: 0,
      providerOnly: 1,
    },
    ...{ amountDiffers: 0, statusDiffers: 0 },
    brief: [{ kind: 'provider_only', provider: 'stripe', object: 'refund', providerId: 're_1', jobId: null }],
  };
  const job = { ...completed, queue: 'money', type: 'reconcile-books', result };
  await using api = await stub({
    'POST /jobs': { status: 202, body: { job: { ...job, status: 'pending', result: null } } },
    [`GET /jobs/${id}`]: { body: { job } },
  });
  const { code, stdout } = await queuectl(['reconcile', '--from', '2026-01-01', '--to', '2026-01-02'], access(api.url));
  expect(code).toBe(5);
  expect(api.bodies).toMatchObject([
    { type: 'reconcile-books', data: { from: '2026-01-01T00:00:00.000Z', to: '2026-01-02T00:00:00.000Z' } },
  ]);
  expect(stdout).toMatch(/^at a provider only +1$/m);
  expect(stdout).toMatch(/^provider_only +stripe +refund +re_1/m);
});

test('the completion of bash finishes commands and options', async () => {
  const { stdout } = await queuectl(['completion', 'bash']);
  const complete = (...typed: string[]) =>
    new Promise<string>((resolve) => {
      const words = typed.map((word) => `'${word}'`).join(' ');
      const script = `${stdout}\nCOMP_WORDS=(${words}); COMP_CWORD=${typed.length - 1}; _queuectl; echo "\${COMPREPLY[@]}"`;
      execFile('bash', ['-c', script], (_error, answer) => resolve(answer.trim()));
    });
  expect(await complete('queuectl', 'sch')).toBe('schedules');
  expect(await complete('queuectl', 'schedules', 'pr')).toBe('preview');
  expect(await complete('queuectl', 'jobs', 'get', 'some-id', '--j')).toBe('--json');
});

test('the kubectl plugin runs the same command in a pod of the API, as whoever asks', async () => {
  await using api = await stub({ 'GET /queues': { body: { queues: [money] } } });
  const folder = await mkdtemp(join(tmpdir(), 'kubectl-'));
  // Stands for kubectl and the pod: runs what comes after `--` where the image would.
  const kubectl = `#!/bin/sh\necho "$@" | head -1 >&2; while [ "$1" != -- ]; do shift; done; shift; cd '${root}'; exec "$@"`;
  await writeFile(join(folder, 'kubectl'), kubectl, { mode: 0o755 });
  const env = {
    PATH: `${folder}:${dirname(process.execPath)}:${process.env['PATH']}`,
    JWT_SECRET: secret,
    QUEUE_URL: api.url,
  };
  const { code, stdout, stderr } = await new Promise<Awaited<ReturnType<typeof queuectl>>>((resolve) => {
    const child = execFile(join(root, 'packages/cli/bin/kubectl-queue'), ['status'], { env }, (_error, out, err) =>
      resolve({ code: child.exitCode ?? -1, stdout: out, stderr: err }),
    );
  });
  await rm(folder, { recursive: true });
  expect(stderr).toContain('exec --stdin deployment/queue-service-api --');
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/^money +paused/m) });
});

test('an API that cannot be reached ends with 4', async () => {
  const { code, stderr } = await queuectl(['jobs', 'get', id], access('http://127.0.0.1:1'));
  expect(code).toBe(4);
  expect(stderr).toContain('cannot be reached');
});
