import { importJWK, jwtVerify } from 'jose';

/** Why an `Authorization` header is refused; `null` means it is good. RFC 8292 */
export async function checkVapid(
  authorization: string | undefined,
  expected: { audiences: string[]; applicationServerKey: string | null; now: Date },
): Promise<{ status: 401 | 403; reason: string } | null> {
  const { t: token, k: key } = Object.fromEntries(
    [...(authorization ?? '').matchAll(/(?:^vapid\s+|,\s*)([tk])=([\w.~-]+)/gi)].map((match) => [match[1], match[2]]),
  );
  if (token === undefined || key === undefined)
    return { status: 401, reason: 'a vapid authorization with t and k is needed' };
  const point = Buffer.from(key, 'base64url');
  if (point.length !== 65 || point[0] !== 4) return { status: 401, reason: 'k is not an uncompressed P-256 point' };
  if (expected.applicationServerKey !== null && key !== expected.applicationServerKey) {
    return { status: 403, reason: 'the key is not the one of the subscription' };
  }
  try {
    const jwk = {
      kty: 'EC',
      crv: 'P-256',
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    };
    const { payload } = await jwtVerify(token, await importJWK(jwk, 'ES256'), {
      algorithms: ['ES256'],
      audience: expected.audiences,
      currentDate: expected.now,
      requiredClaims: ['exp', 'aud'],
    });
    const day = 24 * 60 * 60;
    if ((payload.exp ?? 0) > expected.now.getTime() / 1000 + day + 60)
      return { status: 401, reason: 'exp is more than 24 hours away' };
    if (!/^(mailto:|https:)/.test(payload.sub ?? '')) return { status: 401, reason: 'sub is no mailto: or https: URI' };
    return null;
  } catch (error) {
    return { status: 401, reason: error instanceof Error ? error.message : String(error) };
  }
}
