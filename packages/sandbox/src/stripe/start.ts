import { type Standalone, type StandaloneOptions, startAlone } from '../http/standalone.ts';
import { type StripeOptions, StripeSimulator } from './simulator.ts';

/** A simulated Stripe on its own port. Give its host, port and protocol to the SDK. */
export function startStripe(options: StripeOptions & StandaloneOptions = {}): Promise<StripeSimulator & Standalone> {
  return startAlone((clock) => new StripeSimulator(clock, options), options);
}
