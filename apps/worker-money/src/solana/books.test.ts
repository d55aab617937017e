import type { LedgerRow } from '@queue-service/providers';
import { expect, test } from 'vitest';
import { findSolanaRow, listSolanaBooks } from './books.ts';
import { RpcNodes } from './rpc-nodes.ts';
import { attempt, order, testLedger, testMint } from './testing/test-mint.ts';

async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

async function bench() {
  const mint = await testMint();
  const nodes = new RpcNodes({ urls: [mint.solana.url] });
  const list = (from: number, to: number) =>
    collect(listSolanaBooks({ nodes, authority: mint.authority.publicKey, from: new Date(from), to: new Date(to) }));
  return { ...mint, nodes, list };
}

const row = (more: Partial<LedgerRow>): LedgerRow => ({
  effectId: 'effect-1',
  provider: 'solana',
  kind: 'mint',
  jobId: null,
  effect: 'mint',
  providerId: null,
  account: null,
  amount: null,
  currency: null,
  state: 'moved',
  created: new Date(0),
  ...more,
});

test('the tickets of a period are listed, and collections and unfinished tickets are none', async () => {
  const { solana, authority, minter, list } = await bench();
  const before = order(authority);
  await attempt(minter, before);
  solana.advance(100);
  const from = solana.clock.now();
  const tickets = [order(authority, { collections: true }), order(authority)];
  for (const ticket of tickets) await attempt(minter, ticket);
  const long = order(authority, {
    attributes: Object.fromEntries(['a', 'b', 'c', 'd'].map((key) => [key, key.repeat(250)])),
  });
  const ledger = testLedger();
  await minter
    .mint(long, {
      memo: null,
      remember: async (transaction) => {
        if (transaction.completes) throw new Error('killed');
        await ledger.remember(transaction);
      },
      signal: new AbortController().signal,
    })
    .catch(() => undefined);
  expect(ledger.remembered.length).toBeGreaterThan(0);
  solana.advance(100);
  const to = solana.clock.now();
  await attempt(minter, order(authority));

  expect(await list(from, to)).toMatchObject(
    tickets
      .toReversed()
      .map(({ mintAddress }) => ({ provider: 'solana', kind: 'mint', providerId: mintAddress, state: 'moved' })),
  );
});

test('the ticket of a row is found by its address, and by its job where the address was never learned', async () => {
  const { solana, authority, minter, nodes } = await bench();
  const ticket = order(authority);
  await attempt(minter, ticket);
  const expected = { providerId: ticket.mintAddress, state: 'moved' };
  expect(await findSolanaRow(nodes, authority, row({ providerId: ticket.mintAddress }))).toMatchObject(expected);
  const byJob = await findSolanaRow(nodes, authority, row({ jobId: ticket.jobId }));
  expect(byJob).toMatchObject(expected);
  expect(Math.abs((byJob?.created.getTime() ?? 0) - solana.clock.now())).toBeLessThan(60_000);
  expect(await findSolanaRow(nodes, authority, row({ jobId: 'another-job' }))).toBeNull();
  expect(await findSolanaRow(nodes, authority, row({}))).toBeNull();
});
