import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from './tools/paths.ts';

/** Refuses everything: a command that gets here was understood. */
const api = createServer((_request, response) => {
  response.writeHead(403, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ type: 'about:blank', title: 'Forbidden', status: 403, code: 'forbidden' }));
});
beforeAll(async () => {
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
});
afterAll(() => {
  api.closeAllConnections();
  api.close();
});

async function queuectl(args: readonly string[]): Promise<{ code: number | null; text: string }> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      QUEUE_URL: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
      QUEUE_TOKEN: 'token',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, text };
}

const refusedByApi = 3;

test('queuectl understands what each one-off Job asks of it', async () => {
  const folder = join(root, 'k8s/ops');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml');
  const { text: help } = await queuectl(['packages/cli/src/main.ts', '--help']);
  const answers = await Promise.all(
    files.map(async (file) => {
      const job = parse(await readFile(join(folder, file), 'utf8')) as {
        spec: { template: { spec: { containers: { args: string[] }[] } } };
      };
      const [, ...args] = job.spec.template.spec.containers[0]?.args ?? [];
      return { file, command: args[1], ...(await queuectl(args)) };
    }),
  );
  const known = answers.filter(({ command }) => new RegExp(`^  ${command} `, 'm').test(help));
  expect(known.length).toBeGreaterThan(4);
  for (const { file, code, text } of known) expect(code, `${file}: ${text}`).toBe(refusedByApi);
});
