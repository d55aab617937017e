import { AsyncLocalStorage } from 'node:async_hooks';
import type { ProviderLimiter } from '@queue-service/providers';
import type { Stripe } from 'stripe';
import { LOCK_TIMEOUT, retryAfterMs } from './errors.ts';

type HttpClient = ReturnType<typeof Stripe.createNodeHttpClient>;
type HttpResponse = Awaited<ReturnType<HttpClient['makeRequest']>>;

/** The connection broke; `cause` says how. Its name keeps stripe-node from repeating the request, see below. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
}

/** Whose request is under way; stripe-node hands nothing of its own on to its HTTP client. */
export const underWay = new AsyncLocalStorage<{
  signal: AbortSignal;
  /** Asked right before a request leaves that changes something. Throws when the claim is lost. */
  requireClaim?: () => Promise<void>;
}>();

const silentlyRepeated: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE']);

/**
 * Sends each request exactly once, and when the fleet's rate limit lets it. stripe-node repeats a request whose connection
 * was closed even with `maxNetworkRetries: 0` (https://github.com/stripe/stripe-node/issues/1040), and then reports only
 * how the repeat failed. It knows such an error by its code, so the code is hidden in the cause.
 */
export function singleRequestClient(client: HttpClient, limiter?: ProviderLimiter): HttpClient {
  return {
    getClientName: () => client.getClientName(),
    makeRequest: async (...request) => {
      const sending = underWay.getStore();
      // The wait for a turn ends with the attempt, and whoever lost the job meanwhile sends nothing.
      await limiter?.take(sending?.signal);
      await sending?.requireClaim?.();
      try {
        const response = await client.makeRequest(...request);
        return limiter !== undefined && response.getStatusCode() === 429 ? heard(response, limiter) : response;
      } catch (error) {
        if (silentlyRepeated.has((error as { code?: unknown }).code)) {
          throw new ConnectionLostError('The connection to Stripe was closed', { cause: error });
        }
        throw error;
      }
    },
  };
}

/** A 429 that slows the fleet once its body is read; one that is about a lock on one object tells nothing of the rate. */
function heard(response: HttpResponse, limiter: ProviderLimiter): HttpResponse {
  const read = response.toJSON.bind(response);
  response.toJSON = async () => {
    const body = await read();
    const { error } = body as { error?: { code?: unknown } };
    const headers = response.getHeaders() as Record<string, string>;
    if (error?.code !== LOCK_TIMEOUT) await limiter.penalize(retryAfterMs(headers));
    return body;
  };
  return response;
}
