import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto';
import { ConfigError } from '@queue-service/observability';
import { describe, expect, test } from 'vitest';
import { loadConfig } from './config.ts';
import { TEST_SECRET } from './testing/tokens.ts';

const good = { DATABASE_URL: 'postgres://app:pg-pw@db/queue', REDIS_URL: 'redis://cache', JWT_SECRET: TEST_SECRET };

function problemsOf(env: Record<string, string | undefined>): string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ variable, reason }) => `${variable}: ${reason}`);
    throw error;
  }
  return [];
}

/** A key pair as PEM. */
function pems(pair: KeyPairKeyObjectResult) {
  return {
    publicKey: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
const rsa = pems(generateKeyPairSync('rsa', { modulusLength: 2_048 }));
const shortRsa = pems(generateKeyPairSync('rsa', { modulusLength: 1_024 }));
const p256 = pems(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
const p384 = pems(generateKeyPairSync('ec', { namedCurve: 'P-384' }));
const ed25519 = pems(generateKeyPairSync('ed25519'));

test('the smallest environment is completed with defaults', () => {
  expect(loadConfig(good)).toMatchObject({ PORT: 3_011, BODY_LIMIT_BYTES: 1_048_576, SHUTDOWN_GRACE_MS: 30_000 });
});

describe('without a key for tokens', () => {
  test('nothing starts, and the reason is given', () => {
    expect(problemsOf({ ...good, JWT_SECRET: undefined })).toEqual([
      'JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URL: at least one of these must be set',
    ]);
  });

  test('an empty one counts as none', () => {
    expect(problemsOf({ ...good, JWT_SECRET: '  ' })[0]).toContain('at least one of these must be set');
  });
});

test('every problem is listed at once, without a value', () => {
  const problems = problemsOf({
    PORT: '70000',
    DATABASE_URL: 'mysql://root:db-pw@db/queue',
    REDIS_URL: 'http://:redis-pw@cache',
    JWT_SECRET: 'your-secret-key-change-in-production',
    METRICS_TOKEN: 'short-tok',
    BODY_LIMIT_BYTES: 'lots',
  });
  expect(problems.map((problem) => problem.split(':')[0]).sort()).toEqual([
    'BODY_LIMIT_BYTES',
    'DATABASE_URL',
    'JWT_SECRET',
    'METRICS_TOKEN',
    'PORT',
    'REDIS_URL',
  ]);
  expect(problems.join('\n')).not.toMatch(/db-pw|redis-pw|your-secret|short-tok|70000|lots/);
});

describe('a public key', () => {
  const withKey = (key: string) => ({ ...good, JWT_SECRET: undefined, JWT_PUBLIC_KEY: key });

  test.each([
    ['RSA', rsa, ['RS256']],
    ['P-256', p256, ['ES256']],
    ['Ed25519', ed25519, ['EdDSA', 'Ed25519']],
  ])('of kind %s pins its algorithm', (_kind, pair, algorithms) => {
    expect(loadConfig(withKey(pair.publicKey)).JWT_PUBLIC_KEY?.algorithms).toEqual(algorithms);
  });

  test('may have its line ends written out', () => {
    const oneLine = rsa.publicKey.replaceAll('\n', '\\n');
    expect(loadConfig(withKey(oneLine)).JWT_PUBLIC_KEY?.algorithms).toEqual(['RS256']);
  });

  test.each([
    ['a private key', rsa.privateKey, 'is a private key'],
    ['too short', shortRsa.publicKey, 'has 1024 bits'],
    ['on another curve', p384.publicKey, 'P-256'],
    ['no key at all', 'ssh-rsa AAAAB3NzaC1yc2E', 'is not a PEM public key'],
  ])('is refused when it is %s', (_what, key, reason) => {
    const problems = problemsOf(withKey(key));
    expect(problems).toEqual([expect.stringMatching(/^JWT_PUBLIC_KEY: /)]);
    expect(problems[0]).toContain(reason);
    expect(problems[0]).not.toContain('MII');
  });
});

test('two kinds of keys at once are refused', () => {
  expect(problemsOf({ ...good, JWT_PUBLIC_KEY: rsa.publicKey })).toEqual([
    'JWT_SECRET, JWT_PUBLIC_KEY: only one of these may be set',
  ]);
});

test.each([
  ['https://id.example/jwks.json', true],
  ['http://localhost:8080/jwks.json', true],
  ['http://id.example/jwks.json', false],
  ['file:///etc/jwks.json', false],
])('a key set at %s is accepted: %s', (url, accepted) => {
  expect(problemsOf({ ...good, JWT_SECRET: undefined, JWT_JWKS_URL: url }).length === 0).toBe(accepted);
});

test('a placeholder for the metrics token is refused', () => {
  expect(problemsOf({ ...good, METRICS_TOKEN: 'changeme-changeme' })).toEqual([
    'METRICS_TOKEN: is a known placeholder; make one with: openssl rand -base64 48',
  ]);
});

test('secrets do not show in the printed configuration', () => {
  expect(JSON.stringify(loadConfig(good))).not.toMatch(new RegExp(`${TEST_SECRET}|pg-pw`));
});
