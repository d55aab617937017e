import type { Stripe } from 'stripe';

/**
 * Resolves when one more request may leave; what it resolves to is called when that request is over. A JobError thrown
 * here (RateLimitedError, say) reaches the handler as it is.
 */
export type Admission = () => Promise<() => void>;

type HttpClient = ReturnType<typeof Stripe.createNodeHttpClient>;

/** The connection broke; `cause` says how. Its name keeps stripe-node from repeating the request, see below. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
}

const silentlyRepeated: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE']);

/**
 * Sends each request exactly once. stripe-node repeats a request whose connection was closed even with
 * `maxNetworkRetries: 0` (https://github.com/stripe/stripe-node/issues/1040), and then reports only how the repeat
 * failed. It knows such an error by its code, so the code is hidden in the cause.
 */
export function singleRequestClient(client: HttpClient, admit: Admission = async () => () => {}): HttpClient {
  return {
    getClientName: () => client.getClientName(),
    makeRequest: async (...request) => {
      const release = await admit();
      try {
        return await client.makeRequest(...request);
      } catch (error) {
        if (silentlyRepeated.has((error as { code?: unknown }).code)) {
          throw new ConnectionLostError('The connection to Stripe was closed', { cause: error });
        }
        throw error;
      } finally {
        release();
      }
    },
  };
}
