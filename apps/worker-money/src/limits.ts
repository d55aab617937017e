import { createHash } from 'node:crypto';
import { createProviderLimiter, type ProviderLimiter } from '@queue-service/providers';
import type { ServiceParts } from '@queue-service/queue';

/** Requests a second of the whole fleet. */
export interface ProviderRates {
  stripe: number;
  /** To each node. */
  solana: number;
}

export interface MoneyLimits {
  stripe: ProviderLimiter;
  /** Each node counts for itself. */
  solanaNode(url: string): ProviderLimiter;
}

/** Stripe's own limits are 100 a second live and 25 in test mode; https://docs.stripe.com/rate-limits */
export function defaultStripeRate(secretKey: string): number {
  return /^[rs]k_live_/.test(secretKey) ? 80 : 25;
}

/** The limits that all processes of the money fleet keep to, in the Redis of their queue. */
export function moneyLimits({ runtime, metrics, log }: ServiceParts, rates: ProviderRates): MoneyLimits {
  const { redis, prefix } = runtime.connections.of('money');
  const limiter = (provider: string, ratePerSecond: number, scope?: string) =>
    createProviderLimiter({
      redis,
      prefix,
      provider,
      ratePerSecond,
      // A fifth of a second's worth: after a quiet time no second sees more than 1.2 times the rate.
      burst: Math.max(1, Math.floor(ratePerSecond / 5)),
      ...(scope === undefined ? {} : { scope }),
      onWait: (seconds) => metrics.providerRateLimitWait.observe({ provider }, seconds),
      onLocal: (local) =>
        log.warn(
          { provider },
          local
            ? 'Redis does not take commands: this process keeps to a part of the rate limit by itself'
            : 'The rate limit is shared by the fleet again',
        ),
    });
  return {
    stripe: limiter('stripe', rates.stripe),
    // The URL of a node may hold an access key.
    solanaNode: (url) => limiter('solana', rates.solana, createHash('sha256').update(url).digest('hex').slice(0, 16)),
  };
}
