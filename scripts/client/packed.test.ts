import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { useDatabase, usePrefix } from '../../packages/sandbox/src/testing/index.ts';
import { type Service, startService } from '../console/service.ts';

// Five programs start; much more than they take, for machines that are busy with other things.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const run = promisify(execFile);
const client = join(import.meta.dirname, '../../packages/client');
const wallet = '7cVfgArCheMR6Cs4t6vz5rfnqd56vZq4ndaBrY5xkxXy';

const misuse = `
import type { QueueClient } from '@queue-service/client';
export const wrong = (client: QueueClient) => [
  // @ts-expect-error a body is required
  client.jobs.add('send-sms', { to: '+41791234567' }),
  // @ts-expect-error there is no such type
  client.jobs.add('send-fax', {}),
];
`;

let folder: string;
let outside: string;
let service: Service;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queue-producer-'));
  outside = join(folder, 'shop');
  const [{ url: databaseUrl }, { prefix: queuePrefix, url: redisUrl }] = [await useDatabase(), usePrefix()];
  const fleets = ['worker-money', 'worker-communication', 'scheduler'];
  [service] = await Promise.all([
    startService({ databaseUrl, redisUrl, queuePrefix, dataDir: folder, fleets, print: () => {} }),
    makeProducer(),
  ]);
});
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A project elsewhere that has the tarball and what the tarball depends on, and nothing of this repository. */
async function makeProducer(): Promise<void> {
  const installed = join(outside, 'node_modules/@queue-service/client');
  await mkdir(installed, { recursive: true });
  await run('pnpm', ['pack', '--pack-destination', folder], { cwd: client });
  const [tarball] = globSync('*.tgz', { cwd: folder });
  await run('tar', ['xzf', join(folder, tarball ?? ''), '--strip-components=1', '-C', installed]);
  await mkdir(join(outside, 'node_modules/@types'));
  for (const name of ['zod', 'standardwebhooks', '@types/node']) {
    await symlink(await realpath(join(client, 'node_modules', name)), join(outside, 'node_modules', name));
  }
  await copyFile(join(client, 'example/main.ts'), join(outside, 'main.ts'));
  await writeFile(join(outside, 'misuse.ts'), misuse);
  await writeFile(join(outside, 'package.json'), '{"type":"module"}');
  const compilerOptions = { strict: true, module: 'nodenext', target: 'es2023', types: ['node'], outDir: 'out' };
  await writeFile(join(outside, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
}

test('the example, compiled outside the repository against the tarball, buys a ticket', async () => {
  const tsc = join(client, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [tsc], { cwd: outside }).catch((error: { stdout: string }) => {
    expect.fail(error.stdout);
  });
  const token = await service.token({ sub: 'shop', roles: ['service'], tenantId: 'venue-1' });
  const buy = () =>
    run(process.execPath, [join(outside, 'out/main.js'), '1042', wallet], {
      env: { QUEUE_URL: service.url, QUEUE_TOKEN: token },
    });
  const { stdout, stderr } = await buy();
  const bought = JSON.parse(stdout);
  const { sandbox, solana } = service.providers;
  expect(solana.ticket(bought.mintAddress)?.holders).toMatchObject([{ owner: wallet, amount: 1n }]);
  expect(sandbox.stripe.all('payment_intent')).toMatchObject([{ id: bought.paymentIntentId, amount: 4_900 }]);
  expect(stderr).toContain('hint: ');
  const again = await buy();
  expect(JSON.parse(again.stdout)).toEqual(bought);
  expect(sandbox.stripe.all('payment_intent')).toHaveLength(1);
  expect(sandbox.sendgrid.mails().map(({ subject }) => subject)).toEqual([
    'Your ticket: Open Air 2027, row 4 seat 12',
    'Doors open at 7',
  ]);
});
