import { Keypair } from '@solana/web3.js';
import { expect, test } from 'vitest';
import { collectionKeypair, ticketKeypair } from './derived-keys.ts';

const authority = Keypair.fromSeed(new Uint8Array(32).fill(7));
const address = (keypair: Keypair) => keypair.publicKey.toBase58();

test('a job always has the same address: a change here would let jobs in flight mint twice', () => {
  expect(address(ticketKeypair(authority, '0198d9a0-0000-7000-8000-000000000001'))).toBe(
    'A27bdrK5KU1cuzu1ptfqcRhko51xrx5Wr28YFURZycDA',
  );
  expect(address(collectionKeypair(authority, 'tenant-1', 'event-77'))).toBe(
    'Hu9NDx6p4Q2jtDCPdGkeUAMzu1wRaUCYQYDYsJM4eSFb',
  );
});

test('another job, authority, tenant or event has another address', () => {
  const other = Keypair.fromSeed(new Uint8Array(32).fill(8));
  const addresses = [
    ticketKeypair(authority, 'a'),
    ticketKeypair(authority, 'b'),
    ticketKeypair(other, 'a'),
    collectionKeypair(authority, 'a', 'b'),
    collectionKeypair(authority, 'ab', ''),
    collectionKeypair(authority, 'b', 'a'),
    collectionKeypair(other, 'a', 'b'),
  ].map(address);
  expect(new Set(addresses).size).toBe(addresses.length);
});
