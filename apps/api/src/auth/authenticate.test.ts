import { createHmac, generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import request from 'supertest';
import { describe, expect, test, vi } from 'vitest';
import { testApp } from '../testing/test-app.ts';
import { claims, secretKey, sign, TEST_SECRET, type TokenOptions } from '../testing/tokens.ts';
import { readPublicKey } from './jwt-trust.ts';

const forever = Number.POSITIVE_INFINITY;
const jobs = '/api/v1/queue/jobs';

function get(app: ReturnType<typeof testApp>['app'], authorization: string | undefined) {
  const call = request(app).get(jobs);
  return authorization === undefined ? call : call.set('Authorization', authorization);
}

const service = (changes: Record<string, unknown> = {}, options?: TokenOptions) =>
  sign({ ...claims.service, ...changes }, options);

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const inAnHour = () => Math.floor(Date.now() / 1_000) + 3_600;
const unsigned = (alg: string) =>
  `${base64url({ alg, typ: 'JWT' })}.${base64url({ ...claims.admin, exp: inAnHour() })}.`;

describe('a token of the shared secret', () => {
  const { app } = testApp({
    trust: { key: secretKey, algorithms: ['HS256'], issuer: 'https://id', audience: 'queue', recheckAfterMs: forever },
  });
  const rightly = { iss: 'https://id', aud: 'queue' };

  test.each(['Bearer', 'bearer', 'BEARER'])('is accepted after %s', async (scheme) => {
    const { status } = await get(app, `${scheme} ${await service(rightly)}`);
    expect(status).toBe(200);
  });

  test.each<[string, () => Promise<string> | string | undefined]>([
    ['no header', () => undefined],
    ['an empty header', () => ''],
    ['another scheme', () => `Basic ${Buffer.from('a:b').toString('base64')}`],
    ['a token without scheme', () => service(rightly)],
    ['garbage', () => 'Bearer garbage'],
    ['three garbled parts', () => 'Bearer a.b.c'],
    ['an expired token', async () => `Bearer ${await service(rightly, { expiresIn: -1 })}`],
    ['no exp', async () => `Bearer ${await service(rightly, { expiresIn: null })}`],
    ['a token of the future', async () => `Bearer ${await service({ ...rightly, nbf: inAnHour() })}`],
    [
      'HS512 with the right secret',
      async () => `Bearer ${await service(rightly, { alg: 'HS512', key: Buffer.concat([secretKey, secretKey]) })}`,
    ],
    ['another secret', async () => `Bearer ${await service(rightly, { key: Buffer.from(TEST_SECRET.toLowerCase()) })}`],
    ['alg none', () => `Bearer ${unsigned('none')}`],
    ['alg None, spelled otherwise', () => `Bearer ${unsigned('NoNe')}`],
    ['another audience', async () => `Bearer ${await service({ ...rightly, aud: 'shop' })}`],
    ['no audience', async () => `Bearer ${await service({ iss: 'https://id' })}`],
    ['another issuer', async () => `Bearer ${await service({ ...rightly, iss: 'https://evil' })}`],
    ['no issuer', async () => `Bearer ${await service({ aud: 'queue' })}`],
    ['no sub', async () => `Bearer ${await service({ ...rightly, sub: undefined })}`],
    ['no roles', async () => `Bearer ${await service({ ...rightly, roles: undefined })}`],
    ['roles as one text', async () => `Bearer ${await service({ ...rightly, roles: 'admin' })}`],
    ['a tenant that is no name', async () => `Bearer ${await service({ ...rightly, tenantId: 'a b\n' })}`],
    [
      'altered claims',
      async () => {
        const [header, , signature] = (await service(rightly)).split('.');
        return `Bearer ${header}.${base64url({ ...claims.admin, ...rightly, exp: inAnHour() })}.${signature}`;
      },
    ],
  ])('is refused with 401: %s', async (_what, header) => {
    const { status, body, headers } = await get(app, await header());
    expect({ status, code: body.code, type: headers['content-type'] }).toEqual({
      status: 401,
      code: 'unauthorized',
      type: expect.stringContaining('application/problem+json'),
    });
    expect(headers['www-authenticate']).toMatch(/^Bearer realm=/);
  });

  test('says that an expired token has expired', async () => {
    const { body } = await get(app, `Bearer ${await service(rightly, { expiresIn: -1 })}`);
    expect(body.detail).toBe('The token has expired');
  });

  test.each([
    ['none of the roles', { roles: ['customer'] }, 'none of the roles'],
    ['no tenant', { tenantId: undefined }, 'no tenantId'],
    ['the tenant of the platform', { tenantId: 'platform' }, 'reserved for admins'],
    ['the tenant of the platform as venue admin', { roles: ['venue_admin'], tenantId: 'platform' }, 'reserved'],
  ])('is refused with 403 when it has %s', async (_what, changes, detail) => {
    const { status, body } = await get(app, `Bearer ${await service({ ...rightly, ...changes })}`);
    expect({ status, code: body.code }).toEqual({ status: 403, code: 'forbidden' });
    expect(body.detail).toContain(detail);
  });
});

describe('a token of a key pair', () => {
  const pairs = {
    RS256: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: generateKeyPairSync('ed25519'),
  } as const;
  const publicPem = (alg: keyof typeof pairs) =>
    pairs[alg].publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const appOf = (alg: keyof typeof pairs) =>
    testApp({ trust: { ...readPublicKey(publicPem(alg)), recheckAfterMs: forever } }).app;
  const algorithms = Object.keys(pairs) as (keyof typeof pairs)[];

  test.each(algorithms)('%s is accepted by its public key, and by no other', async (alg) => {
    const token = `Bearer ${await service({}, { alg, key: pairs[alg].privateKey })}`;
    for (const trusted of algorithms) {
      expect((await get(appOf(trusted), token)).status).toBe(trusted === alg ? 200 : 401);
    }
  });

  test.each(algorithms)('HS256 made with the public key of %s as its secret is refused', async (alg) => {
    const content = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url({ ...claims.admin, exp: inAnHour() })}`;
    const signature = createHmac('sha256', publicPem(alg)).update(content).digest('base64url');
    expect((await get(appOf(alg), `Bearer ${content}.${signature}`)).status).toBe(401);
  });

  test('RS512 of the right key is refused', async () => {
    const token = await service({}, { alg: 'RS512', key: pairs.RS256.privateKey });
    expect((await get(appOf('RS256'), `Bearer ${token}`)).status).toBe(401);
  });

  test('a token that brings its own key is refused', async () => {
    const jwk = pairs.ES256.publicKey.export({ format: 'jwk' });
    const token = await new SignJWT({ ...claims.admin })
      .setProtectedHeader({ alg: 'ES256', jwk })
      .setExpirationTime('1h')
      .sign(pairs.ES256.privateKey);
    expect((await get(appOf('RS256'), `Bearer ${token}`)).status).toBe(401);
  });
});

test('requests at the same time are not mixed up', async () => {
  const { app, ports } = testApp();
  const tenants = Array.from({ length: 30 }, (_, index) => `tenant-${index}`);
  const post = async (tenantId: string) =>
    request(app)
      .post(jobs)
      .set('Authorization', `Bearer ${await service({ tenantId })}`)
      .send({ queue: 'background', type: 'analytics-track', data: { userId: tenantId, event: 'seen' } });
  const answers = await Promise.all(tenants.map(post));
  expect(answers.map(({ body }) => body.job.tenantId)).toEqual(tenants);
  expect(ports.accepted.every(({ tenantId, data }) => data.userId === tenantId)).toBe(true);
});

test('a token that was accepted is refused once it has expired', async () => {
  const { app } = testApp();
  const header = `Bearer ${await service({}, { expiresIn: 2 })}`;
  expect((await get(app, header)).status).toBe(200);
  await vi.waitFor(async () => expect((await get(app, header)).status).toBe(401), { timeout: 10_000, interval: 200 });
});
