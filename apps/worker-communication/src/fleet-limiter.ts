import { createProviderLimiter, type ScriptRunner } from '@queue-service/providers';
import type { Provider } from '@queue-service/queue';
import type { ProviderLimiter } from './circuit.ts';

/**
 * Requests a second of the whole fleet. Below what the providers allow an account, so that bursts of other users of the
 * account fit, too. Web Push has no account: each push service limits its own subscriptions.
 * https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations
 * https://firebase.google.com/docs/cloud-messaging/throttling-and-quotas
 */
const ratesPerSecond: Partial<Readonly<Record<Provider, number>>> = { sendgrid: 1_000, twilio: 100, fcm: 1_000 };

/** The rate of each provider, shared by the fleet through Redis. */
export function createFleetLimiter(redis: ScriptRunner, prefix: string): ProviderLimiter {
  const limiters = new Map(
    Object.entries(ratesPerSecond).map(([provider, ratePerSecond]) => [
      provider,
      createProviderLimiter({ redis, prefix, provider, ratePerSecond, burst: ratePerSecond }),
    ]),
  );
  return {
    take: async (provider, signal) => limiters.get(provider)?.take(signal),
    penalize: async (provider, retryAfterMs) => limiters.get(provider)?.penalize(retryAfterMs),
  };
}
