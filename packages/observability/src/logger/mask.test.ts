import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secret } from '../config/secret.ts';
import { createMask, maskText } from './mask.ts';
import { MASK_RULES } from './secret-patterns.ts';

describe('what looks like a secret is masked', () => {
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLWhlcmU';
  const keyBytes = JSON.stringify(Array.from({ length: 64 }, (_, index) => (index * 37) % 256));
  const pem = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----';

  test.each([
    ['a Stripe key', 'No such key: sk_live_51Habc123', 'No such key: sk_live_[secret]'],
    ['a Stripe test key', 'sk_test_4eC39HqLyjWD', 'sk_test_[secret]'],
    ['a restricted key', 'rk_live_abc123', 'rk_live_[secret]'],
    ['a webhook secret', 'whsec_MfKQ9r8GKYqrTwjU=', 'whsec_[secret]'],
    ['a SendGrid key', 'SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf09', 'SG.[secret]'],
    ['a bearer token', 'Authorization Bearer abc.def-123_xyz failed', 'Authorization Bearer [secret] failed'],
    ['basic credentials', 'Basic QUMxMjM0NTY3ODkwOnRva2Vu', 'Basic [secret]'],
    ['a JSON Web Token', `refused ${jwt}`, 'refused [secret]'],
    ['a PostgreSQL password', 'to postgres://app:p4ss/w@rd@db:5432/q', 'to postgres://app:[secret]@db:5432/q'],
    ['a Redis password', 'redis://:hunter22@10.0.0.1:6379', 'redis://:[secret]@10.0.0.1:6379'],
    ['a key in a query', 'https://rpc.example/?api-key=abc-123&x=1', 'https://rpc.example/?api-key=[secret]&x=1'],
    ['a connection string', 'host=db password=hunter22 user=app', 'host=db password=[secret] user=app'],
    ['a Twilio API key', `SK${'0f'.repeat(16)}`, 'SK[secret]'],
    ['a Slack webhook', 'https://hooks.slack.com/services/T0/B0/xyz', 'https://hooks.slack.com/services/[secret]'],
    ['a field of JSON', '{"a":{"Stripe-Secret":"x \\" y"},"b":1}', '{"a":{"Stripe-Secret":"[secret]"},"b":1}'],
    ['a list in JSON', '{"set-cookie":["a=1","b=2"],"b":1}', '{"set-cookie":"[secret]","b":1}'],
    ['JSON inside JSON', '{"msg":"{\\"api_key\\":\\"hunter22\\"}"}', '{"msg":"{\\"api_key\\":\\"[secret]\\"}"}'],
    ['the bytes of a key pair', `{"key":${keyBytes}}`, '{"key":"[secret]"}'],
    ['a private key', `read ${pem} from`, 'read [secret] from'],
    ['a private key in JSON', JSON.stringify({ msg: pem }), '{"msg":"[secret]"}'],
    ['an e-mail address', 'bounced: jane.doe+x@mail.example.co.uk.', 'bounced: [email].'],
    ['an encoded e-mail address', '/v3/suppression/jane%40example.com', '/v3/suppression/[email]'],
    ['a telephone number', "'To' number +15005550001 is not valid", "'To' number [phone] is not valid"],
    ['an encoded telephone number', 'Messages.json?To=%2B15005550001', 'Messages.json?To=[phone]'],
  ])('%s', (_what, text, masked) => {
    expect(maskText(text)).toBe(masked);
  });
});

test.each([
  'pi_3MtwBwLkdIwHu7ix28a3tqPa was not found in acct_1032D82eZvKYlo2C',
  'at Queue.add (/app/node_modules/.pnpm/bullmq@6.7.0_ioredis@6.0.0/node_modules/bullmq/dist/queue.js:12:3)',
  '2026-08-01T10:00:00.000+02:00 took 1500 ms',
  'postgres://db:5432/queue is away',
  'JWT_SECRET: must be at least 32 bytes long',
  '{"fencingToken":7,"tokenAccount":"9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin"}',
  '4bf92f3577b34da6a3ce929d0e0e4736',
])('%s stays as it is', (text) => {
  expect(maskText(text)).toBe(text);
});

describe('known secrets', () => {
  test('are masked by value in every spelling', () => {
    const mask = createMask([new Secret('0123456789abcdef0123456789abcdef'), new Secret('quote"and\\slash')]);
    expect(mask('token 0123456789abcdef0123456789abcdef refused')).toBe('token [secret] refused');
    expect(mask(JSON.stringify({ msg: 'is quote"and\\slash' }))).toBe('{"msg":"is [secret]"}');
    expect(mask('to=quote%22and%5Cslash')).toBe('to=[secret]');
  });

  test.each([
    'postgres://app:hunter%2322@db/q',
    'redis+sentinel://:hunter%2322@a:1,b:2/mymaster',
    'redis+sentinel://a:1,b:2/mymaster?tls&sentinelPassword=hunter%2322',
  ])('that are URLs have their password masked on its own: %s', (url) => {
    const mask = createMask([new Secret(url)]);
    expect(mask('password authentication failed with hunter#22')).toBe('password authentication failed with [secret]');
  });

  test('that are too short to be told from words are left alone', () => {
    expect(createMask([new Secret('dev')])('a developer')).toBe('a developer');
  });
});

// A quadratic rule takes minutes for these and runs into the time limit of the test.
test.each([
  ['letters', 'a'.repeat(300_000)],
  ['quotes', '"'.repeat(300_000)],
  ['schemes', 'http://'.repeat(40_000)],
  ['names', 'a-api_'.repeat(50_000)],
  ['escapes', '\\"'.repeat(150_000)],
  ['numbers', '1,'.repeat(150_000)],
  ['lists', '[1,'.repeat(100_000)],
  ['open lists', '"cookie":['.repeat(50_000)],
  ['domains', `x@${'a.'.repeat(150_000)}`],
])('a long run of %s does not stop the process', (_what, text) => {
  expect(maskText(text)).toBe(text);
});

test('hints spare no search that would find something', () => {
  const pieces = MASK_RULES.flatMap(({ pattern, replacement }) => [
    fc.stringMatching(unanchored(pattern)),
    fc.constant(replacement),
  ]);
  const upset = (text: string) => fc.constantFrom(text, text.toUpperCase(), text.toLowerCase());
  const text = fc.array(fc.oneof(...pieces, fc.string()).chain(upset)).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, (given) => {
      const searched = MASK_RULES.reduce(
        (masked, { pattern, replacement }) => masked.replace(pattern, replacement),
        given,
      );
      expect(maskText(given)).toBe(searched);
    }),
    { numRuns: 1_000 },
  );
});

/** What fast-check can make texts for: it knows neither borders of words nor what stands before and after. */
function unanchored({ source }: RegExp): RegExp {
  return new RegExp(source.replaceAll('\\b', '').replaceAll(/\(\?<?!(?:\[[^\]]*\]|\\d)\)/g, ''));
}
