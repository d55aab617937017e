import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from './tools/paths.ts';

const stats = {
  ...{ tier: 1, waiting: 0, active: 0, delayed: 0, oldestWaitingMs: 0, paused: false, pausedAt: null, pausedBy: null },
  rates: { enqueued: 0, completed: 0, failed: 0 },
};

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' });
  response.end(JSON.stringify(body));
}

/** What each command asked last, by its token. */
const asked = new Map<string, string>();

/** Answers what a command reads before it acts, and refuses the act: a command that gets there was understood. */
const api = createServer(async (request, response) => {
  const body = await text(request);
  const call = `${request.method} ${request.url?.replace('/api/v1/queue', '')} ${body}`.trim();
  asked.set(request.headers.authorization?.slice('Bearer '.length) ?? '', call);
  const queues = ['money', 'communication', 'background'].map((queue) => ({ ...stats, queue }));
  if (call === 'GET /queues') return answer(response, 200, { queues });
  if (call.includes('"dryRun":true')) {
    return answer(response, 200, { dryRun: true, matching: 1, deadLetters: [], skipped: [], run: null });
  }
  answer(response, 403, { type: 'about:blank', title: 'Forbidden', status: 403, code: 'forbidden' });
});

beforeAll(async () => {
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
});
afterAll(() => {
  api.closeAllConnections();
  api.close();
});

async function queuectl(name: string, args: readonly string[]): Promise<{ code: number | null; printed: string }> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      QUEUE_URL: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
      QUEUE_TOKEN: name,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, printed };
}

const refusedByApi = 3;
const redriven = (queue: string) => `POST /dead-letters/redrive {"filter":{"queue":"${queue}"},"dryRun":false}`;

test('queuectl does what each one-off Job asks of it, with nobody there to answer a question', {
  timeout: 120_000,
}, async () => {
  const folder = join(root, 'k8s/ops');
  const files = (await readdir(folder)).filter((file) => file !== 'kustomization.yaml');
  await Promise.all(
    files.map(async (file) => {
      const job = parse(await readFile(join(folder, file), 'utf8')) as {
        spec: { template: { spec: { containers: { args: string[] }[] } } };
      };
      const [program, ...args] = job.spec.template.spec.containers[0]?.args ?? [];
      expect(program).toBe('node');
      const { code, printed } = await queuectl(file, args);
      expect(code, `${file}: ${printed}`).toBe(refusedByApi);
    }),
  );
  expect(Object.fromEntries(asked)).toEqual({
    'drain-background.yaml': 'POST /queues/background/pause',
    'drain-communication.yaml': 'POST /queues/communication/pause',
    'drain-money.yaml': 'POST /queues/money/pause',
    'pause-all.yaml': 'POST /queues/money/pause',
    'resume-all.yaml': 'POST /queues/money/resume',
    'reconcile.yaml': 'POST /jobs {"queue":"money","type":"reconcile-books","data":{},"options":{}}',
    'redrive-background.yaml': redriven('background'),
    'redrive-communication.yaml': redriven('communication'),
    'redrive-money.yaml': redriven('money'),
  });
});
