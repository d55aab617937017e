import type { Request, Response } from 'express';
import passport from 'passport';
import passportJwt from 'passport-jwt';
import { Problem } from '../http/problem.ts';
import { createJwtStrategy, refusalOf, type VerifiedToken } from './jwt-strategy.ts';
import type { JwtTrust } from './jwt-trust.ts';
import { KeySetUnavailableError } from './key-set.ts';
import type { Principal } from './principal.ts';
import { TokenCache } from './token-cache.ts';

/**
 * Who sent a request.
 * @throws Problem `unauthorized`, `forbidden` for a token that allows nothing here
 */
export type Authenticate = (req: Request, res: Response) => Promise<Principal>;

export function createAuthenticate(trust: JwtTrust, nowMs: () => number): Authenticate {
  const cache = new TokenCache(nowMs);
  const bearerToken = passportJwt.ExtractJwt.fromAuthHeaderAsBearerToken();
  // An instance of its own, and the strategy by name: handed over as an object, passport writes the callbacks of each
  // request onto that one object, and the answers of two requests under way at the same time are mixed up.
  const authenticator = new passport.Passport();
  authenticator.use('jwt', createJwtStrategy(trust));

  return async (req, res) => {
    const token = bearerToken(req);
    if (token === null) throw unauthorized('A bearer token is required');
    const known = cache.find(token);
    if (known !== undefined) return known;
    const { claims } = await run(authenticator, req, res);
    if (claims.ok) {
      cache.remember(token, claims.principal, Math.min(claims.principal.expiresAtMs, nowMs() + trust.recheckAfterMs));
      return claims.principal;
    }
    throw claims.kind === 'forbidden'
      ? new Problem('forbidden', { detail: claims.reason })
      : invalidToken(claims.reason);
  };
}

function run(authenticator: passport.Authenticator, req: Request, res: Response): Promise<VerifiedToken> {
  return new Promise((resolve, reject) => {
    const middleware = authenticator.authenticate(
      'jwt',
      { session: false },
      (error: unknown, verified: VerifiedToken | false, refusal: unknown) => {
        if (error) reject(error);
        else if (verified) resolve(verified);
        else
          reject(
            refusal instanceof KeySetUnavailableError ? keysUnavailable(refusal) : invalidToken(refusalOf(refusal)),
          );
      },
    );
    middleware(req, res, reject);
  });
}

function unauthorized(detail: string): Problem {
  return new Problem('unauthorized', { detail, headers: { 'WWW-Authenticate': 'Bearer realm="queue-service"' } });
}

/** RFC 6750 section 3.1. */
function invalidToken(detail: string): Problem {
  const challenge = `Bearer realm="queue-service", error="invalid_token", error_description="${detail}"`;
  return new Problem('unauthorized', { detail, headers: { 'WWW-Authenticate': challenge } });
}

function keysUnavailable(error: KeySetUnavailableError): Problem {
  return new Problem('identity_unavailable', {
    detail: error.message,
    retryAfterSeconds: error.retryAfterSeconds,
    cause: error,
  });
}
