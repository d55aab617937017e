import type { ProviderLimiter } from '@queue-service/providers';
import { Stripe } from 'stripe';
import { singleRequestClient } from './http-client.ts';

export interface StripeClientOptions {
  secretKey: string;
  /** Another server that speaks Stripe's protocol; default api.stripe.com. Scheme, host and port count, a path does not. */
  apiBase?: string | undefined;
  /** Silence after which a request is given up with its outcome unknown; default 30 s, well under a job's own time-out. */
  timeoutMs?: number;
  /** The rate of the whole fleet. What it throws reaches the handler as it is. */
  limiter?: ProviderLimiter;
}

const defaultTimeoutMs = 30_000;

/** The shapes this code was written against. A newer SDK brings newer ones: raise it together with a look at its changelog. */
const apiVersion = '2026-10-28.endive';

/** Stripe's SDK as this service uses it. Opens nothing; idle connections close by themselves and do not hold the process. */
export function createStripe(options: StripeClientOptions): Stripe {
  return new Stripe(options.secretKey, {
    apiVersion,
    ...(options.apiBase === undefined ? {} : endpoint(options.apiBase)),
    timeout: options.timeoutMs ?? defaultTimeoutMs,
    // Sends how long earlier requests took; nobody here asked for that.
    telemetry: false,
    // One call is one request, so that an error tells the truth about it. With retries inside the SDK only the last one's
    // error is seen: a time-out (it may have happened) followed by "connection refused" would look as if nothing had.
    // The job's own retry asks Stripe first and then repeats under the same key.
    maxNetworkRetries: 0,
    httpClient: singleRequestClient(Stripe.createNodeHttpClient(), options.limiter),
  });
}

function endpoint(apiBase: string): { protocol: 'http' | 'https'; host: string; port: string } {
  const url = new URL(apiBase);
  const protocol = url.protocol === 'http:' ? 'http' : 'https';
  // Node wants an IPv6 address without the brackets that a URL has around it.
  return {
    protocol,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port || (protocol === 'http' ? '80' : '443'),
  };
}
