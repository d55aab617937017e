import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { weaknessOf } from './secret-strength.ts';

describe('a secret that may sign tokens', () => {
  test.each([
    ['random, base64', () => randomBytes(48).toString('base64')],
    ['random, base64, as short as allowed', () => randomBytes(24).toString('base64')],
    ['random, hexadecimal', () => randomBytes(32).toString('hex')],
    ['a passphrase of many words', () => 'violet-anchor-pretzel-thunder-mosaic-glacier-7'],
  ])('is %s', (_what, make) => {
    expect(weaknessOf(make())).toBeUndefined();
  });
});

describe('a secret is refused', () => {
  test.each([
    ['empty', '', 'is 0 bytes long'],
    ['a byte short', 'T9vK2mQx7RzL4pWn8YbC1dFh6JgS3uE', 'is 31 bytes long'],
    ['the usual placeholder', 'changeme', 'is 8 bytes long'],
    ['the usual placeholder, padded to length', 'change-me-change-me-change-me-change-me', 'placeholder'],
    ['from a tutorial', 'your-secret-key-change-in-production', 'placeholder'],
    ['from a tutorial, in capitals', 'YOUR_SUPER_SECRET_JWT_KEY_GOES_HERE', 'placeholder'],
    ['one word again and again', 'secretsecretsecretsecretsecretsecret', 'placeholder'],
    ['one letter', 'a'.repeat(64), 'repeats itself'],
    ['a short pattern', 'x7Kp'.repeat(10), 'repeats itself'],
    ['a long pattern, cut off', 'R4vn!8sKq2Lw'.repeat(4).slice(0, 44), 'repeats itself'],
    ['two letters', 'abbabaabbaababbabaababbaabbabaab', 'too few different'],
    ['zeros with a little', `${'0'.repeat(40)}abcdef`, 'too few different'],
  ])('when it is %s', (_what, secret, reason) => {
    expect(weaknessOf(secret)).toContain(reason);
  });

  test('without being repeated', () => {
    expect(weaknessOf('my-password-is-hunter2-and-long-enough')).not.toContain('hunter2');
  });
});
