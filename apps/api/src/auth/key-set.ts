import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTVerifyGetKey, type RemoteJWKSet } from 'jose';

/** The issuer's keys cannot be fetched: it says nothing about the token. */
export class KeySetUnavailableError extends Error {
  override readonly name = 'KeySetUnavailableError';
  readonly retryAfterSeconds = 5;
}

export interface KeySetOptions {
  url: string;
  nowMs: () => number;
}

/** A key that its issuer withdrew is trusted no longer than this. */
export const KEY_SET_MAX_AGE_MS = 10 * 60_000;
const FETCH_TIMEOUT_MS = 5_000;
/** After a failed fetch requests do not wait for the issuer again for this long. */
const REST_AFTER_FAILURE_MS = 15_000;
/** Keys known before the issuer went away stay good for this long: its outage should not be ours. */
const OUTAGE_TOLERANCE_MS = 6 * 60 * 60_000;

/**
 * Finds the key of a token in the issuer's key set (JWKS). Fetched when first needed, again when it is older than
 * {@link KEY_SET_MAX_AGE_MS}, and again (at most every 30 s) when a token names a key that is not in it, so rotation needs no restart.
 * While the issuer is away the last known keys serve for six hours.
 * The function throws KeySetUnavailableError when there are no usable keys.
 */
export function createKeySet({ url, nowMs }: KeySetOptions): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(url), {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: 30_000,
    cacheMaxAge: KEY_SET_MAX_AGE_MS,
  });
  let restUntilMs = Number.NEGATIVE_INFINITY;
  let knownSinceMs = Number.NEGATIVE_INFINITY;

  return async (header, token) => {
    if (!remote.fresh && nowMs() < restUntilMs) return lastKnown(remote, knownSinceMs, nowMs())(header, token);
    try {
      const key = await remote(header, token);
      if (remote.fresh) knownSinceMs = nowMs();
      return key;
    } catch (error) {
      if (isAboutTheToken(error)) throw error;
      restUntilMs = nowMs() + REST_AFTER_FAILURE_MS;
      return lastKnown(remote, knownSinceMs, nowMs(), error)(header, token);
    }
  };
}

function lastKnown(remote: RemoteJWKSet, knownSinceMs: number, nowMs: number, cause?: unknown): JWTVerifyGetKey {
  const jwks = remote.jwks();
  if (jwks === undefined || nowMs - knownSinceMs > OUTAGE_TOLERANCE_MS) {
    throw new KeySetUnavailableError('The keys that tokens are checked with cannot be fetched', { cause });
  }
  return createLocalJWKSet(jwks);
}

function isAboutTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}
