import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { testApp } from '../testing/test-app.ts';
import { claims, sign } from '../testing/tokens.ts';
import { ASYMMETRIC_ALGORITHMS } from './jwt-trust.ts';
import { createKeySet, KEY_SET_MAX_AGE_MS } from './key-set.ts';

interface IssuerKey {
  kid: string;
  alg: string;
  publicKey: KeyObject;
  privateKey: KeyObject;
}

const issuerKey = (kid: string, alg: 'ES256' | 'EdDSA'): IssuerKey => ({
  kid,
  alg,
  ...(alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')),
});
const first = issuerKey('first', 'ES256');
const second = issuerKey('second', 'EdDSA');

let issuer: Server;
let url: string;
let published: IssuerKey[];
let away: boolean;
let fetches: number;

beforeEach(async () => {
  published = [first];
  away = false;
  fetches = 0;
  issuer = createServer((_req, res) => {
    fetches += 1;
    if (away) return void res.destroy();
    const keys = published.map(({ kid, alg, publicKey }) => ({
      ...publicKey.export({ format: 'jwk' }),
      kid,
      alg,
      use: 'sig',
    }));
    res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks.json`;
  vi.useFakeTimers({ toFake: ['Date'] });
});

afterEach(() => {
  vi.useRealTimers();
  issuer.closeAllConnections();
  issuer.close();
});

function appOfIssuer() {
  const key = createKeySet({ url, nowMs: Date.now });
  return testApp({ trust: { key, algorithms: ASYMMETRIC_ALGORITHMS, recheckAfterMs: KEY_SET_MAX_AGE_MS } }).app;
}

async function statusOf(app: ReturnType<typeof appOfIssuer>, key: IssuerKey, sub = 'svc') {
  const token = await sign(
    { ...claims.service, sub },
    { alg: key.alg, key: key.privateKey, kid: key.kid, expiresIn: 86_400 },
  );
  const { status } = await request(app).get('/api/v1/queue/jobs').set('Authorization', `Bearer ${token}`);
  return status;
}

const later = (ms: number) => vi.setSystemTime(Date.now() + ms);

test('keys are fetched once for many tokens', async () => {
  const app = appOfIssuer();
  for (const sub of ['a', 'b', 'c']) expect(await statusOf(app, first, sub)).toBe(200);
  expect(fetches).toBe(1);
});

test('a new key is found without a restart, and a withdrawn one is refused', async () => {
  const app = appOfIssuer();
  expect(await statusOf(app, first)).toBe(200);
  published = [second];
  later(31_000);
  expect(await statusOf(app, second)).toBe(200);
  later(KEY_SET_MAX_AGE_MS);
  expect(await statusOf(app, first)).toBe(401);
});

test('unknown keys do not make the issuer be asked at every request', async () => {
  const app = appOfIssuer();
  expect(await statusOf(app, first)).toBe(200);
  for (const sub of ['a', 'b', 'c']) expect(await statusOf(app, second, sub)).toBe(401);
  expect(fetches).toBe(1);
});

test('while the issuer is away the last known keys serve, for some hours and no longer', async () => {
  const app = appOfIssuer();
  expect(await statusOf(app, first)).toBe(200);
  away = true;
  later(KEY_SET_MAX_AGE_MS + 1_000);
  expect(await statusOf(app, first, 'a')).toBe(200);
  expect(await statusOf(app, first, 'b')).toBe(200);
  expect(fetches).toBe(2);
  later(7 * 3_600_000);
  expect(await statusOf(app, first, 'c')).toBe(503);
});

test('without any keys the answer is that it cannot be told, not that the token is bad', async () => {
  away = true;
  const app = appOfIssuer();
  expect(await statusOf(app, first)).toBe(503);
  away = false;
  later(16_000);
  expect(await statusOf(app, first)).toBe(200);
});

test('a token signed with a shared secret is refused', async () => {
  const { status } = await request(appOfIssuer())
    .get('/api/v1/queue/jobs')
    .set('Authorization', `Bearer ${await sign({ ...claims.admin })}`);
  expect(status).toBe(401);
});
