import Stripe from 'stripe';
import type { Standalone, StandaloneOptions } from '../http/standalone.ts';
import type { StripeOptions, StripeSimulator } from './simulator.ts';
import { startStripe } from './start.ts';

/** A simulated Stripe and the official SDK pointed at it. */
export interface StripeBench extends AsyncDisposable {
  sandbox: StripeSimulator & Standalone;
  stripe: Stripe;
}

export const VENUE = 'acct_1VenueOne';

/** Starts both, with one connected account; the SDK does not repeat requests by itself. */
export async function stripeBench(options: StripeOptions & StandaloneOptions = {}): Promise<StripeBench> {
  const sandbox = await startStripe({ seed: 'test', accounts: [VENUE], ...options });
  return { sandbox, stripe: clientOf(sandbox), [Symbol.asyncDispose]: () => sandbox.stop() };
}

export function clientOf(sandbox: Standalone, key = 'sk_test_sandbox'): Stripe {
  return new Stripe(key, {
    host: '127.0.0.1',
    port: sandbox.port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
  });
}

/** The parameters of a card payment that ends at once. */
export function cardPayment(fields: Partial<Stripe.PaymentIntentCreateParams> = {}): Stripe.PaymentIntentCreateParams {
  return {
    amount: 5000,
    currency: 'usd',
    payment_method: 'pm_card_visa',
    automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    confirm: true,
    ...fields,
  };
}

/** The error that a call fails with. @throws Error when it does not fail */
export async function failureOf(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error;
    throw error;
  }
  throw new Error('the call was expected to fail');
}
