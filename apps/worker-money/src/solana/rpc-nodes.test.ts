import type { SolanaSandbox } from '@queue-service/sandbox';
import type { Connection } from '@solana/web3.js';
import { expect, test } from 'vitest';
import { RpcNodes } from './rpc-nodes.ts';
import { testMint } from './testing/test-mint.ts';

const height = (connection: Connection) => connection.getBlockHeight('processed');

async function twoNodes() {
  const { solana } = await testMint({ others: 1 });
  solana.advance(20);
  const [first, second] = solana.nodes as [SolanaSandbox['nodes'][number], SolanaSandbox['nodes'][number]];
  second.lag = 10;
  let now = 0;
  const nodes = new RpcNodes({ urls: [first.url, second.url], coolDownMs: 1_000, timeoutMs: 300, now: () => now });
  const later = (ms: number) => {
    now += ms;
  };
  const tip = await nodes.first(height);
  return { solana, first, second, nodes, later, tip };
}

test('the preferred node is asked first, and again when it has recovered and cooled down', async () => {
  const { first, nodes, later, tip } = await twoNodes();
  first.down = true;
  expect(await nodes.first(height)).toBe(tip - 10);
  first.down = false;
  expect(await nodes.first(height)).toBe(tip - 10);
  later(1_000);
  expect(await nodes.first(height)).toBe(tip);
});

test('all nodes are asked but those that have just failed, and if all have, all', async () => {
  const { first, second, nodes, tip } = await twoNodes();
  expect(await nodes.all(height)).toEqual([tip, tip - 10]);
  first.down = true;
  expect(await nodes.all(height)).toEqual([tip - 10]);
  first.down = false;
  expect(await nodes.all(height)).toEqual([tip - 10]);
  second.down = true;
  await expect(nodes.all(height)).rejects.toMatchObject({ code: 'provider_unreachable' });
  second.down = false;
  expect(await nodes.all(height)).toEqual([tip, tip - 10]);
});

test('a node that is only behind the slot asked for is passed over once, and not put aside', async () => {
  const { first, nodes, tip, solana } = await twoNodes();
  first.lag = 15;
  const slot = await nodes.first((connection) => connection.getSlot('processed'));
  const ask = (connection: Connection) => connection.getSlot({ commitment: 'processed', minContextSlot: slot + 1 });
  expect(await nodes.first(ask)).toBe(slot + 5);
  expect(await nodes.first(height)).toBe(tip - 15);
  solana.advance(1);
  expect(await nodes.first(ask)).toBe(slot + 1);
});

test('a node that asks for patience slows the fleet at that node alone', async () => {
  const { solana } = await testMint({ others: 1 });
  const urls = solana.nodes.map((node) => node.url);
  const penalties: string[] = [];
  const limiterOf = (url: string) => ({
    take: async () => {},
    penalize: async (ms: number) => void penalties.push(`${urls.indexOf(url)} ${ms}`),
  });
  solana.faults.add({ do: { kind: 'status', status: 429, headers: { 'Retry-After': '3' } } });
  await new RpcNodes({ urls, limiterOf }).first(height);
  expect(penalties).toEqual(['0 3000']);
});

test('a node that hangs is given up', async () => {
  const { solana, nodes, tip } = await twoNodes();
  solana.faults.add({ do: { kind: 'hang' } });
  expect(await nodes.first(height)).toBe(tip - 10);
});

test('of all refusals the one that may pass is told', async () => {
  const { solana, second, nodes } = await twoNodes();
  solana.faults.add({ times: 'always', match: { path: /^\/$/ }, do: { kind: 'status', status: 401 } });
  second.down = true;
  await expect(nodes.first(height)).rejects.toMatchObject({ name: 'RetryableError', code: 'provider_unreachable' });
  second.down = false;
  solana.faults.add({ times: 'always', match: { path: '/nodes/1' }, do: { kind: 'status', status: 403 } });
  await expect(nodes.first(height)).rejects.toMatchObject({
    name: 'PermanentError',
    code: 'provider_authentication_failed',
  });
});

test('a majority is more than half, and a node named twice counts once', () => {
  const majority = (count: number) =>
    new RpcNodes({ urls: Array.from({ length: count }, (_, index) => `http://${index}.example`) }).majority;
  expect([1, 2, 3, 4, 5].map(majority)).toEqual([1, 2, 2, 3, 3]);
  expect(new RpcNodes({ urls: ['http://a.example', 'http://a.example', 'http://a.example'] }).majority).toBe(1);
});
