import type { ApiConfig } from '../config.ts';
import { ASYMMETRIC_ALGORITHMS, type JwtTrust } from './jwt-trust.ts';
import { createKeySet, KEY_SET_MAX_AGE_MS } from './key-set.ts';

/** Whose tokens are believed, as configured. */
export function trustOf(
  config: Pick<ApiConfig, 'JWT_SECRET' | 'JWT_PUBLIC_KEY' | 'JWT_JWKS_URL' | 'JWT_ISSUER' | 'JWT_AUDIENCE'>,
  nowMs: () => number,
): JwtTrust {
  return { ...keyOf(config, nowMs), issuer: config.JWT_ISSUER, audience: config.JWT_AUDIENCE };
}

function keyOf(config: Parameters<typeof trustOf>[0], nowMs: () => number): JwtTrust {
  const { JWT_SECRET: secret, JWT_PUBLIC_KEY: publicKey, JWT_JWKS_URL: url } = config;
  if (secret !== undefined) {
    return { key: new TextEncoder().encode(secret.reveal()), algorithms: ['HS256'], recheckAfterMs: Infinity };
  }
  if (publicKey !== undefined) return { ...publicKey, recheckAfterMs: Infinity };
  if (url !== undefined) {
    return {
      key: createKeySet({ url, nowMs }),
      algorithms: ASYMMETRIC_ALGORITHMS,
      recheckAfterMs: KEY_SET_MAX_AGE_MS,
    };
  }
  throw new Error('The configuration names no key for tokens');
}
