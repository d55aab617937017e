import { z } from 'zod';

const currencies = new Set(Intl.supportedValuesOf('currency'));

/** Minor units of the currency (cents, yen, fils), as Stripe counts them. */
export const amountSchema = z.int().min(1).max(99_999_999).describe('Integer in minor units of the currency');

export const currencySchema = z
  .string()
  .length(3)
  .refine((code) => currencies.has(code.toUpperCase()), 'is not an ISO 4217 currency code')
  .describe('ISO 4217 code, in either case');

const base58 = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/;
export const walletSchema = z
  .string()
  .regex(base58, 'is not a base58 Solana address')
  .describe('Solana address, base58');

export const emailSchema = z.email().max(254);

export const phoneSchema = z
  .string()
  .regex(/^\+[1-9]\d{6,14}$/, 'is not an E.164 number such as +41791234567')
  .describe('E.164');

/** Free key-value notes kept with the provider's object. Stripe's limits: 50 keys of 40, values of 500 characters. */
export const metadataSchema = z
  .record(z.string().min(1).max(40), z.string().max(500))
  .refine((value) => Object.keys(value).length <= 40, 'has more than 40 keys')
  .refine((value) => !Object.keys(value).some((key) => key.startsWith('queue_')), 'uses the reserved prefix queue_');

/** Any JSON object; for data that a template or an analytics tool reads and this service does not. */
export const jsonObjectSchema = z.record(z.string(), z.json());

export const stripeId = (prefix: string) =>
  z.string().regex(new RegExp(`^${prefix}_[A-Za-z0-9_]{4,250}$`), `is not a Stripe id that starts with ${prefix}_`);

/** Of any version; what comes back from outside may be anything, and PostgreSQL refuses other texts for an id. */
export const isUuid = (value: unknown): value is string => typeof value === 'string' && z.regexes.guid.test(value);

export const jobIdSchema = z.uuid().describe('Job id (UUID)');
