import { parseConfig, variable } from '@queue-service/observability';
import { fleetConfig, redisRules } from '@queue-service/queue';
import { z } from 'zod';
import { parseMintAuthority } from './solana/mint-authority.ts';

const rpcUrl = variable.url(['http', 'https']);

const schema = z.object({
  ...fleetConfig,
  STRIPE_SECRET_KEY: variable.secret(),
  STRIPE_API_BASE: variable.url().optional(),
  /** Silence after which a request counts as answered by nobody: its outcome is unknown, and looked for. */
  STRIPE_TIMEOUT_MS: variable.integer({ min: 100, max: 120_000 }).default(30_000),
  /** Of the whole fleet; default 80 with a live key, 25 with a test key (four fifths, or all, of what Stripe allows). */
  STRIPE_REQUESTS_PER_SECOND: variable.integer({ min: 1, max: 10_000 }).optional(),
  /** One or more, separated by commas; the first that answers is used. */
  SOLANA_RPC_URL: z
    .string()
    .transform((text) => text.split(',').map((url) => url.trim()))
    .pipe(z.array(rpcUrl).min(1)),
  /** Of the whole fleet, to each node. */
  SOLANA_REQUESTS_PER_SECOND: variable.integer({ min: 1, max: 10_000 }).default(50),
  /** Below it the incident `mint_balance_low` is open; default 1 SOL, enough for some hundred tickets. */
  MINT_BALANCE_LOW_LAMPORTS: variable.integer({ min: 0 }).default(1_000_000_000),
  SOLANA_MINT_AUTHORITY: variable.secret().superRefine((secret, context) => {
    try {
      parseMintAuthority(secret.reveal());
    } catch {
      context.addIssue({
        code: 'custom',
        message: 'is neither a base58 secret key nor the JSON array of solana-keygen',
      });
    }
  }),
});

/** @throws ConfigError with every problem at once */
export function readConfig(env: Record<string, string | undefined>) {
  return parseConfig(schema, env, redisRules);
}
