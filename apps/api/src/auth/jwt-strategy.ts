import { errors, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import passportJwt from 'passport-jwt';
import type { JwtTrust } from './jwt-trust.ts';
import { type ClaimsOutcome, principalOf } from './principal.ts';

/** What the strategy makes of a token whose signature, `exp`, issuer and audience hold. */
export interface VerifiedToken {
  readonly claims: ClaimsOutcome;
}

/** passport-jwt with the one trusted key and the algorithms of its kind. Its `user` is a {@link VerifiedToken}. */
export function createJwtStrategy(trust: JwtTrust): passportJwt.Strategy {
  // passport-jwt checks with jsonwebtoken, which knows neither EdDSA nor key sets; this is its seam for another verifier.
  // Ours keeps no state, so all strategies of a process may share it.
  Object.assign(passportJwt.Strategy, { JwtVerifier: verifyWithJose });
  return new passportJwt.Strategy(
    {
      jwtFromRequest: passportJwt.ExtractJwt.fromAuthHeaderAsBearerToken(),
      // Its types know text and bytes only; it hands to the verifier whatever it gets.
      secretOrKeyProvider: (_request, _token, done) => done(null, trust.key as Buffer),
      // Likewise: EdDSA is not in the types of jsonwebtoken.
      algorithms: [...trust.algorithms] as 'HS256'[],
      issuer: trust.issuer,
      audience: trust.audience,
    },
    (claims: unknown, done) => done(null, { claims: principalOf(claims) } satisfies VerifiedToken),
  );
}

interface StrategyOptions {
  algorithms: string[];
  issuer?: string | undefined;
  audience?: string | undefined;
}

type Verified = (error: Error | null, claims?: unknown) => void;

function verifyWithJose(token: string, key: JwtTrust['key'], options: StrategyOptions, done: Verified): void {
  const { algorithms, issuer, audience } = options;
  const expected: JWTVerifyOptions = {
    algorithms,
    requiredClaims: ['exp'],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };
  const verification =
    typeof key === 'function' ? jwtVerify(token, key as JWTVerifyGetKey, expected) : jwtVerify(token, key, expected);
  verification.then(
    ({ payload }) => done(null, payload),
    (error: Error) => done(error),
  );
}

/** What to tell a client of a token that was refused. Nothing of the token itself. */
export function refusalOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `The token's ${error.claim} is missing or not as expected`;
  return 'The token is malformed, or not signed with the key and algorithm that this service trusts';
}
