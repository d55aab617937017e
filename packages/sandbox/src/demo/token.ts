import { SignJWT } from 'jose';

/**
 * A token as the platform's identity provider would issue it. For the demo and for development.
 * @param ttl a jose duration: `12h`, `10m`
 */
export function demoToken(
  secret: string,
  claims: { sub: string; roles: readonly string[]; tenantId?: string },
  ttl = '12h',
): Promise<string> {
  const { sub, ...rest } = claims;
  return new SignJWT(rest)
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(sub)
    .setIssuedAt()
    .setExpirationTime(ttl)
    .sign(new TextEncoder().encode(secret));
}
