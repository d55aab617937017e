import { createPublicKey, type KeyObject } from 'node:crypto';
import type { JWTVerifyGetKey } from 'jose';

/** Whose tokens are believed: the key, and the only algorithms that fit that kind of key. */
export interface JwtTrust {
  readonly key: Uint8Array | KeyObject | JWTVerifyGetKey;
  readonly algorithms: readonly string[];
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  /** How long a checked token may be believed without looking again, besides its own `exp`. */
  readonly recheckAfterMs: number;
}

/** `Ed25519` is the newer name of the same algorithm (RFC 9864). */
const EDDSA = ['EdDSA', 'Ed25519'];

/** What a key set may hold. No HMAC: a public key must never serve as a shared secret. */
export const ASYMMETRIC_ALGORITHMS = ['RS256', 'ES256', ...EDDSA];

export class UnsuitableKeyError extends Error {
  override readonly name = 'UnsuitableKeyError';
}

/**
 * A PEM public key with the algorithm that belongs to its kind. Line ends may be written `\n`, as in a `.env` file.
 * @throws UnsuitableKeyError, saying why and not repeating the key
 */
export function readPublicKey(pem: string): { key: KeyObject; algorithms: readonly string[] } {
  const text = pem.replaceAll('\\n', '\n');
  if (text.includes('PRIVATE KEY')) throw new UnsuitableKeyError('is a private key; only the public one belongs here');
  const key = parse(text);
  return { key, algorithms: algorithmsOf(key) };
}

function parse(text: string): KeyObject {
  try {
    return createPublicKey(text);
  } catch {
    throw new UnsuitableKeyError('is not a PEM public key');
  }
}

function algorithmsOf(key: KeyObject): readonly string[] {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa':
      if (modulusLength < 2_048) throw new UnsuitableKeyError(`has ${modulusLength} bits; RSA needs at least 2048`);
      return ['RS256'];
    case 'ec':
      if (namedCurve !== 'prime256v1') throw new UnsuitableKeyError('is not on the curve P-256, which ES256 needs');
      return ['ES256'];
    case 'ed25519':
      return EDDSA;
    default:
      throw new UnsuitableKeyError('is neither an RSA, a P-256 nor an Ed25519 key');
  }
}
