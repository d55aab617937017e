import { AsyncLocalStorage } from 'node:async_hooks';
import twilio from 'twilio';
import { rateLimited, retryAfterMs } from '../outbound/retry-after.ts';

type Request<Data> = Parameters<typeof twilio.RequestClient.prototype.request<Data>>[0];
type Response<Data> = ReturnType<typeof twilio.RequestClient.prototype.request<Data>>;

const twilioHosts = /^https:\/\/[\w.-]+\.twilio\.com(?=\/|$)/;

/**
 * The SDK's own HTTP client with three things it has no option for: another base URL than Twilio's, an abort signal,
 * and the `Retry-After` of a 429, which its error class drops.
 */
export class TwilioHttpClient extends twilio.RequestClient {
  readonly #baseUrl: string | undefined;
  readonly #signals = new AsyncLocalStorage<AbortSignal>();

  constructor(options: { baseUrl: string | undefined; timeoutMs: number }) {
    super({ timeout: options.timeoutMs, keepAlive: true, maxSockets: 50 });
    this.#baseUrl = options.baseUrl?.replace(/\/$/, '');
    this.axios.interceptors.request.use((config) => {
      const signal = this.#signals.getStore();
      return signal === undefined ? config : { ...config, signal };
    });
  }

  /** Requests that `call` makes are cut when the signal is aborted. */
  within<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    return this.#signals.run(signal, call);
  }

  override async request<Data>(options: Request<Data>): Response<Data> {
    const uri = this.#baseUrl === undefined ? options.uri : options.uri.replace(twilioHosts, this.#baseUrl);
    const response = await super.request<Data>({ ...options, uri });
    if (response.statusCode === 429) {
      const headers = response.headers as Record<string, string | undefined> | undefined;
      throw rateLimited('Twilio', retryAfterMs(headers?.['retry-after'], 10_000, Date.now()));
    }
    return response;
  }
}
