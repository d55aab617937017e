import { Connection } from '@solana/web3.js';
import { expect, test } from 'vitest';
import { attempt, mintsOf, order, testMint } from './testing/test-mint.ts';

const MINTS = 300;

/**
 * All mints of one authority write the authority's account (it pays) and their event's collection (it counts its
 * members). That locks nobody out and needs no nonce: it only makes them share those accounts' 12 M compute units a
 * block, of which the units count that a transaction reserves.
 */
test('three hundred tickets of one event, minted at once by one authority, fit into two blocks', async () => {
  const { solana, authority, minter } = await testMint({ timeoutMs: 60_000 });
  await attempt(minter, order(authority, { collections: true }));
  const tickets = Array.from({ length: MINTS }, () => order(authority, { collections: true }));
  const plan = { minContextSlot: 0, freshest: false, expiries: 0 };
  const signed = await Promise.all(tickets.map((ticket) => minter.intend(ticket, plan)));

  const connection = new Connection(solana.url, 'confirmed');
  for (const transaction of signed) {
    await connection.sendRawTransaction(Buffer.from(transaction?.wire ?? '', 'base64'), { skipPreflight: true });
  }
  const minted = () => tickets.filter((ticket) => mintsOf(solana, ticket) === 1).length;
  const inFirstBlock = minted();
  expect(inFirstBlock).toBeGreaterThan(180);
  expect(inFirstBlock).toBeLessThan(MINTS);
  solana.advance(1);
  expect(minted()).toBe(MINTS);
}, 120_000);

test('fifty jobs at once ask a node for what they share once, and all get their ticket', async () => {
  const { solana, authority, minter } = await testMint({ timeoutMs: 60_000 });
  const counted = ['getLatestBlockhash', 'getRecentPrioritizationFees', 'getMinimumBalanceForRentExemption'];
  const rules = counted.map((method) => {
    return solana.faults.add({ match: { bodyIncludes: `"${method}"` }, times: 'always', do: { kind: 'delay', ms: 0 } });
  });
  const tickets = Array.from({ length: 50 }, () => order(authority));
  await Promise.all(tickets.map((ticket) => attempt(minter, ticket)));
  expect(tickets.every((ticket) => mintsOf(solana, ticket) === 1)).toBe(true);
  const asked = solana.faults.list().filter(({ id }) => rules.includes(id));
  expect(asked.map(({ seen }) => seen > 0 && seen < 10)).toEqual([true, true, true]);
}, 120_000);
