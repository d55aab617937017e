import { createPublicKey } from 'node:crypto';
import { type ConfigRule, type Environment, parseConfig, requireOneOf, variable } from '@queue-service/observability';
import { outboundConfig } from '@queue-service/outbound';
import { redisRules, serviceConfig } from '@queue-service/queue';
import { reportStorageConfig } from '@queue-service/report-storage';
import { z } from 'zod';
import { readPublicKey, UnsuitableKeyError } from './auth/jwt-trust.ts';
import { placeholderProblem, weaknessOf } from './auth/secret-strength.ts';

/** @param problemOf why a value is no secret; undefined when it is */
function secretUnless(problemOf: (value: string) => string | undefined) {
  return z.string().superRefine((value, context) => {
    const message = problemOf(value);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
}

const jwtPublicKey = z.string().transform((value, context) => {
  try {
    return readPublicKey(value);
  } catch (error) {
    if (!(error instanceof UnsuitableKeyError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

function isPublicKey(base64: string): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' });
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  } catch {
    return false;
  }
}

/** Keys that came over plain HTTP may be anybody's; on this machine itself there is nobody in between. */
const keySetUrl = variable.url().refine((value) => {
  const url = URL.parse(value);
  return url === null || url.protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
}, 'must be a URL with https://');

const schema = z.object({
  ...serviceConfig,
  PORT: variable.port().default(3011),
  JWT_SECRET: secretUnless(weaknessOf).pipe(variable.secret()).optional(),
  JWT_PUBLIC_KEY: jwtPublicKey.optional(),
  JWT_JWKS_URL: keySetUrl.optional(),
  JWT_ISSUER: z.string().optional(),
  JWT_AUDIENCE: z.string().optional(),
  METRICS_TOKEN: secretUnless(placeholderProblem)
    .pipe(variable.secret({ minBytes: 16 }))
    .optional(),
  /** Signs the events of Stripe; without it they are not taken. */
  /** One an endpoint at Stripe: the platform's, Connect's, and for a day the one before a rolled one. */
  STRIPE_WEBHOOK_SECRET: variable.secrets({ minBytes: 16 }).optional(),
  /** Verification key of SendGrid's signed event webhook; without it its events are not taken. */
  SENDGRID_WEBHOOK_PUBLIC_KEY: z.string().refine(isPublicKey, 'must be the base64 of a P-256 public key').optional(),
  /** With TWILIO_STATUS_CALLBACK_URL: checks the callbacks of Twilio; without both they are not taken. */
  TWILIO_AUTH_TOKEN: variable.secret().optional(),
  /** The public address of `/providers/twilio/webhook`, the same as worker-communication's. */
  TWILIO_STATUS_CALLBACK_URL: variable.url().optional(),
  ...outboundConfig,
  ...reportStorageConfig,
  /** Requests of one token's subject a minute, and at once. */
  RATE_LIMIT_PRINCIPAL_PER_MINUTE: variable.integer({ min: 1, max: 10_000_000 }).default(6_000),
  /** Requests of all tokens of one tenant a minute, and at once. */
  RATE_LIMIT_TENANT_PER_MINUTE: variable.integer({ min: 1, max: 10_000_000 }).default(30_000),
  /** Requests under way at once; more are answered 503. */
  MAX_REQUESTS_IN_FLIGHT: variable.integer({ min: 1, max: 1_000_000 }).default(2_000),
  /** Largest body of a request, in bytes. */
  BODY_LIMIT_BYTES: variable.integer({ min: 1_024, max: 64 * 1_024 * 1_024 }).default(1_024 * 1_024),
  /** Largest body of a request for a money job, in bytes. */
  MONEY_BODY_LIMIT_BYTES: variable.integer({ min: 1_024, max: 1_024 * 1_024 }).default(64 * 1_024),
});

const JWT_KEYS = ['JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWT_JWKS_URL'];

/** Two kinds of keys at once would let the weaker one decide. */
const oneKindOfKey: ConfigRule = (isSet) => {
  const set = JWT_KEYS.filter(isSet);
  return set.length > 1 ? { variable: set.join(', '), reason: 'only one of these may be set' } : undefined;
};

const rules: ConfigRule[] = [...redisRules, requireOneOf(...JWT_KEYS), oneKindOfKey];

export type ApiConfig = z.output<typeof schema>;

/** @throws ConfigError with every problem at once */
export function loadConfig(env: Environment): ApiConfig {
  return parseConfig(schema, env, rules);
}
