import { expect, test } from 'vitest';
import { parseRpcUrls } from './rpc-urls.ts';

test('one URL or several are read in order, and one named twice counts once towards a majority', () => {
  expect(parseRpcUrls('https://a.example/key')).toEqual(['https://a.example/key']);
  expect(parseRpcUrls('http://b , https://a,http://b')).toEqual(['http://b', 'https://a']);
});

test.each(['', 'https://a,', 'ftp://secret-key.example', 'https://a,secret-key'])(
  '%j is refused without being repeated',
  (text) => {
    expect(() => parseRpcUrls(text)).toThrow(/^SOLANA_RPC_URL: entry \d is not an http or https URL$/);
  },
);
