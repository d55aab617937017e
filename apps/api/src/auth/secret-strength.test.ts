import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { placeholderProblem, weaknessOf } from './secret-strength.ts';

const base62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const encoded = (text: string, as: BufferEncoding) => Buffer.from(text).toString(as);

describe('a secret that may sign tokens', () => {
  test.each([
    ['random, base64', () => randomBytes(48).toString('base64')],
    ['random, base64 without padding', () => randomBytes(32).toString('base64url')],
    ['random, base64, as short as allowed', () => randomBytes(24).toString('base64')],
    ['random, hexadecimal', () => randomBytes(32).toString('hex')],
    ['random, hexadecimal in capitals', () => randomBytes(32).toString('hex').toUpperCase()],
    ['random letters and digits', () => [...randomBytes(32)].map((byte) => base62[byte % 62]).join('')],
  ])('is %s', (_what, make) => {
    const refused = Array.from({ length: 2_000 }, make).filter((secret) => weaknessOf(secret) !== undefined);
    expect(refused).toEqual([]);
  });
});

describe('a secret is refused', () => {
  test.each([
    ['empty', '', 'is 0 bytes long'],
    ['a byte short', 'T9vK2mQx7RzL4pWn8YbC1dFh6JgS3uE', 'is 31 bytes long'],
    ['the usual placeholder', 'changeme', 'is 8 bytes long'],
    ['random, but of 128 bits', randomBytes(16).toString('hex'), 'holds 128 bits'],
    ['the usual placeholder, padded to length', 'change-me-change-me-change-me-change-me', 'placeholder'],
    ['from a tutorial', 'your-secret-key-change-in-production', 'placeholder'],
    ['from a tutorial, in capitals', 'YOUR_SUPER_SECRET_JWT_KEY_GOES_HERE', 'placeholder'],
    ['from a tutorial, spelled with digits', 'my-5up3r-s3cr3t-jwt-k3y-2026-do-not-tell', 'placeholder'],
    ["jwt.io's old sample", 'your-256-bit-secret', 'is 19 bytes long'],
    ["jwt.io's sample, longer", 'your-512-bit-secret-your-512-bit-secret', 'placeholder'],
    ["jwt.io's new sample", 'a-string-secret-at-least-256-bits-long', 'placeholder'],
    ['what a template asks to be replaced', 'GENERATE_ME_WITH_OPENSSL_RAND_BASE64_48', 'placeholder'],
    ['another template', 'REPLACE_WITH_64_HEX_CHARS_FROM_OPENSSL_RAND', 'placeholder'],
    ['one word again and again', 'secretsecretsecretsecretsecretsecret', 'placeholder'],
    ['published with a tutorial', '404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970', 'is text'],
    ['a placeholder in base64', encoded('your-256-bit-secret-of-at-least-32-bytes', 'base64'), 'is text'],
    ['a placeholder in hexadecimal', encoded('please-put-your-own-key-here-now', 'hex'), 'is text'],
    ['one letter', 'a'.repeat(64), 'not random'],
    ['one digit', '0'.repeat(64), 'not random'],
    ['a short pattern', 'x7Kp'.repeat(10), 'not random'],
    ['a long pattern, cut off', 'R4vn!8sKq2Lw'.repeat(4).slice(0, 44), 'not random'],
    ['two letters', 'xyyxyxxyyxxyxyyxyxxyxyyxxyyxyxxy', 'not random'],
    ['zeros with a little', `${'0'.repeat(40)}abcdef`, 'holds 184 bits'],
    ['zeros with a little, to length', `${'0'.repeat(58)}abcdef`, 'not random'],
    ['the alphabet', 'abcdefghijklmnopqrstuvwxyz0123456789', 'not random'],
    ['both alphabets', 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', 'not random'],
    ['the alphabet of base64', `${base62}+/`, 'not random'],
    ['the alphabet of base64, from the end', [...`${base62}+/`].reverse().join(''), 'not random'],
    ['the digits in a row', '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', 'not random'],
    ['the digits backwards', 'fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210', 'not random'],
    ['rows of the keyboard', '1234567890qwertyuiopasdfghjklzxcvbnm', 'not random'],
    ['rows of the keyboard, upper and lower', 'QwErTyUiOpAsDfGhJkLzXcVbNm1234567890', 'not random'],
    ['a sentence', 'the quick brown fox jumps over the lazy dog again and again', 'not random'],
    ['a sentence without spaces', 'TheQuickBrownFoxJumpsOverTheLazyDogEveryMorning2026', 'not random'],
    ['a passphrase of some words', 'violet-anchor-pretzel-thunder-mosaic-glacier-7', 'not random'],
  ])('when it is %s', (_what, secret, reason) => {
    expect(weaknessOf(secret)).toContain(reason);
  });

  test('without being repeated', () => {
    expect(weaknessOf('my-password-is-hunter2-and-long-enough')).not.toContain('hunter2');
  });
});

test.each([
  ['metrics-token-changeme', true],
  ['PLACEHOLDER_PLACEHOLDER', true],
  ['prometheus-scraper-7f3k', false],
])('%s has a placeholder in it: %s', (token, found) => {
  expect(placeholderProblem(token) !== undefined).toBe(found);
});
