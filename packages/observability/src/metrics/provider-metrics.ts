import { BUCKETS } from './buckets.ts';
import type { Instruments } from './instruments.ts';

/** Values of `circuitState`. */
export const CIRCUIT_STATES = { closed: 0, halfOpen: 1, open: 2 } as const;

/** What is counted about the outside world: Stripe, Solana, mail, messages, webhooks. */
export function providerMetrics({ counter, gauge, duration }: Instruments) {
  return {
    effects: counter('effects_total', 'Outside effects of jobs, by how they ended', ['provider', 'outcome']),
    providerRequest: duration(
      'provider_request_seconds',
      'Duration of one request to a provider',
      ['provider', 'operation', 'outcome'],
      BUCKETS.call,
    ),
    providerRateLimitWait: duration(
      'provider_rate_limit_wait_seconds',
      'Time a request waited for its turn under a provider’s rate limit',
      ['provider'],
      BUCKETS.wait,
    ),
    circuitState: gauge('circuit_state', 'Circuit breaker: 0 closed, 1 half open, 2 open', ['provider']),
    mintAuthorityLamports: gauge('mint_authority_lamports', 'What the mint authority holds, for rent and fees', []),
    webhookDeliveries: counter('webhook_deliveries_total', 'Attempts to deliver a webhook', ['outcome']),
  };
}
