import { type CryptoKey, type JWTPayload, type KeyObject, SignJWT } from 'jose';

export const TEST_SECRET = 'T9vK2mQx7RzL4pWn8YbC1dFh6JgS3uEa';
export const secretKey = new TextEncoder().encode(TEST_SECRET);

export interface TokenOptions {
  alg?: string;
  key?: CryptoKey | KeyObject | Uint8Array;
  kid?: string;
  /** Seconds from now; null for a token without `exp`. Default an hour. */
  expiresIn?: number | null;
}

/** A signed token with these claims. */
export function sign(claims: JWTPayload, options: TokenOptions = {}): Promise<string> {
  const { alg = 'HS256', key = secretKey, kid, expiresIn = 3_600 } = options;
  const token = new SignJWT(claims).setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) }).setIssuedAt();
  if (expiresIn !== null) token.setExpirationTime(Math.floor(Date.now() / 1_000) + expiresIn);
  return token.sign(key);
}

export const claims = {
  service: { sub: 'svc-shop', roles: ['service'], tenantId: 'venue-1' },
  otherTenant: { sub: 'svc-other', roles: ['service'], tenantId: 'venue-2' },
  venueAdmin: { sub: 'venue-boss', roles: ['venue_admin'], tenantId: 'venue-1' },
  admin: { sub: 'root', roles: ['admin'] },
} as const satisfies Record<string, JWTPayload>;

/** `Authorization` header of one of {@link claims}. */
export async function bearer(who: keyof typeof claims): Promise<string> {
  return `Bearer ${await sign({ ...claims[who] })}`;
}
