import type { AlertNotice } from '@queue-service/persistence';

/** A way to tell people. */
export interface AlertChannel {
  readonly name: 'slack' | 'pagerduty' | 'webhook';
  /** Notices that one request may carry. */
  readonly batch: number;
  /**
   * Tells them, each at least once however often it is called.
   * @throws ChannelError when they were not taken
   */
  send(notices: readonly AlertNotice[], signal: AbortSignal): Promise<void>;
}

/** A channel did not take what it was sent. Says nothing of the address, which is a secret. */
export class ChannelError extends Error {
  override name = 'ChannelError';
  /** True when the channel refuses this notice and may well take another. */
  readonly refused: boolean;
  readonly retryAfterMs: number | null;

  constructor(message: string, options: { refused: boolean; retryAfterMs?: number | null }) {
    super(message);
    this.refused = options.refused;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

const answerWithinMs = 10_000;

/** @throws ChannelError unless the answer is a success */
export async function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const init: RequestInit = {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
    // A moved hook may lead anywhere.
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]),
  };
  const response = await fetch(url, init).catch((error: unknown) => {
    // The error of `fetch` may name the address.
    const { cause } = error as { cause?: { code?: string } };
    throw new ChannelError(`no answer (${cause?.code ?? (error as Error).name})`, { refused: false });
  });
  await response.body?.cancel();
  if (response.ok) return;
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  throw new ChannelError(`the answer was ${response.status}`, {
    refused: response.status < 500 && ![401, 403, 404, 408, 410, 429].includes(response.status),
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : null,
  });
}
