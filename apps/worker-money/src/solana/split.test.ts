import { Connection } from '@solana/web3.js';
import { expect, test } from 'vitest';
import type { SignedTransaction } from './signed-transaction.ts';
import { attempt, mintsOf, order, testLedger, testMint } from './testing/test-mint.ts';
import { attributesInOrder } from './ticket.ts';

const long = {
  name: 'Öffentliche Generalprobe — Wiener Staatsoper, Loge 7, Reihe 2',
  uri: `https://tickets.example/${'x'.repeat(220)}`,
  attributes: Object.fromEntries(
    Array.from({ length: 12 }, (_, index) => [`attribute-${index}`, `${index}-`.padEnd(200, 'v')]),
  ),
  collections: true,
  transferable: false,
};

test('a ticket too large for one transaction is built in several, and given out by the last', async () => {
  const { solana, authority, minter } = await testMint();
  const ticket = order(authority, long);
  const ledger = testLedger();
  const supplies: (bigint | undefined)[] = [];
  await minter.mint(ticket, {
    memo: null,
    remember: async (transaction) => {
      await ledger.remember(transaction);
      supplies.push(solana.ticket(ticket.mintAddress)?.supply);
    },
    signal: new AbortController().signal,
  });
  expect(ledger.remembered.length).toBeGreaterThan(3);
  expect(ledger.remembered.map(({ completes }) => completes)).toEqual([...supplies.slice(1).map(() => false), true]);
  expect(supplies.every((supply) => supply === undefined || supply === 0n)).toBe(true);
  const { name, uri } = ticket;
  expect(solana.ticket(ticket.mintAddress)).toMatchObject({
    supply: 1n,
    mintAuthority: null,
    name,
    uri,
    attributes: attributesInOrder(ticket),
    transferable: false,
  });
});

test.each(['before', 'after'])(
  'killed %s each of its transactions, it is resumed and complete in the end',
  async (when) => {
    const { solana, authority, minter } = await testMint();
    const ticket = order(authority, long);
    const ledger = testLedger();
    const connection = new Connection(solana.url, 'processed');
    const kill = async (transaction: SignedTransaction) => {
      await ledger.remember(transaction);
      if (when === 'after')
        await connection.sendRawTransaction(Buffer.from(transaction.wire, 'base64'), { skipPreflight: true });
      throw new Error('killed');
    };
    let kills = 0;
    for (;;) {
      const { signal } = new AbortController();
      const receipt = await minter.mint(ticket, { memo: ledger.memo, remember: kill, signal }).catch((error: Error) => {
        expect(error.message).toBe('killed');
        kills++;
        return null;
      });
      if (receipt) break;
    }
    expect(kills).toBe(ledger.remembered.length);
    expect(kills).toBeGreaterThan(3);
    expect(mintsOf(solana, ticket)).toBe(1);
    expect(solana.ticket(ticket.mintAddress)?.attributes).toEqual(attributesInOrder(ticket));
  },
);

test('a URI that does not fit beside the name gets a transaction of its own', async () => {
  const { solana, authority, minter } = await testMint();
  const ticket = order(authority, { name: 'ツ'.repeat(64), uri: `https://tickets.example/${'ü'.repeat(232)}` });
  await attempt(minter, ticket);
  expect(solana.ticket(ticket.mintAddress)).toMatchObject({ supply: 1n, name: ticket.name, uri: ticket.uri });
});

test('a field that no transaction can carry makes the ticket too large, and nothing is signed', async () => {
  const { authority, minter } = await testMint();
  const ledger = testLedger();
  const ticket = order(authority, { attributes: { ['ツ'.repeat(64)]: 'ツ'.repeat(256) } });
  await expect(attempt(minter, ticket, ledger)).rejects.toMatchObject({
    name: 'PermanentError',
    code: 'ticket_too_large',
  });
  expect(ledger.remembered).toEqual([]);
});
