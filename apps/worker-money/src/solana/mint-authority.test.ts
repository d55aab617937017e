import { Keypair } from '@solana/web3.js';
import bs58 from 'bs58';
import { expect, test } from 'vitest';
import { parseMintAuthority } from './mint-authority.ts';

const keypair = Keypair.generate();

test.each([
  ['base58', bs58.encode(keypair.secretKey)],
  ['the array of solana-keygen', `${JSON.stringify([...keypair.secretKey])}\n`],
])('a secret key is read from %s', (_form, text) => {
  expect(parseMintAuthority(text).publicKey.equals(keypair.publicKey)).toBe(true);
});

const mismatched = Uint8Array.from([...keypair.secretKey.subarray(0, 32), ...Keypair.generate().publicKey.toBytes()]);

test.each([
  ['no base58', `0OIl${bs58.encode(keypair.secretKey).slice(4)}`, 'neither base58'],
  ['a seed only', bs58.encode(keypair.secretKey.subarray(0, 32)), '64 bytes, not 32'],
  ['halves of two pairs', bs58.encode(mismatched), 'no key pair'],
  ['a broken array', '[11,22,33,44', 'none'],
  ['an array of other things', '[11,22,33,300]', 'array of bytes'],
])('%s is refused, and the message holds nothing of it', (_what, text, reason) => {
  const error = (() => {
    try {
      parseMintAuthority(text);
    } catch (thrown) {
      return thrown as Error;
    }
    return undefined;
  })();
  expect(error?.message).toContain(reason);
  expect(error?.message).not.toContain(text.slice(4, 12));
});
