import { setTimeout as pause } from 'node:timers/promises';

/** A webhook to send. Headers are made anew for each try, as signatures carry a time. */
export interface OutgoingRequest {
  url: string;
  /** Shown in the deliveries: the event's id and type. */
  id: string;
  type: string;
  body: string;
  headers(): Record<string, string>;
  /** Wait before the first try, in ms. */
  waitMs?: number;
  /** Tries until a 2xx answer; default 5. */
  attempts?: number | undefined;
  /** Wait before the second try, doubled for each further one, in ms; default 200. */
  retryGapMs?: number | undefined;
}

/** One try of a webhook. */
export interface WebhookDelivery {
  event: string;
  type: string;
  url: string;
  attempt: number;
  /** Status, or null when there was no answer. */
  status: number | null;
  error?: string;
}

const ANSWER_WITHIN_MS = 10_000;
const ATTEMPTS = 5;
const RETRY_GAP_MS = 200;

/** Sends webhooks in the background and remembers every try. */
export class Deliverer {
  #deliveries: WebhookDelivery[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  send(request: OutgoingRequest): void {
    if (this.#stop.signal.aborted) return;
    const run = this.#deliver(request).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Every try, oldest first. */
  deliveries(): readonly WebhookDelivery[] {
    return this.#deliveries;
  }

  /** Resolves when no delivery is under way. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  clear(): void {
    this.#deliveries = [];
  }

  /** Gives up what is under way; undelivered webhooks are what a crash of the provider would leave, too. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.settled();
  }

  async #deliver(request: OutgoingRequest): Promise<void> {
    const { signal } = this.#stop;
    try {
      if (request.waitMs) await pause(request.waitMs, undefined, { signal });
      const attempts = request.attempts ?? ATTEMPTS;
      for (let attempt = 1; attempt <= attempts; attempt++) {
        if (await this.#try(request, attempt)) return;
        if (attempt < attempts)
          await pause((request.retryGapMs ?? RETRY_GAP_MS) * 2 ** (attempt - 1), undefined, { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #try(request: OutgoingRequest, attempt: number): Promise<boolean> {
    const delivery: WebhookDelivery = {
      event: request.id,
      type: request.type,
      url: request.url,
      attempt,
      status: null,
    };
    this.#deliveries.push(delivery);
    try {
      const response = await fetch(request.url, {
        method: 'POST',
        headers: request.headers(),
        body: request.body,
        redirect: 'manual',
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
      });
      await response.arrayBuffer();
      delivery.status = response.status;
      return response.ok;
    } catch (error) {
      delivery.error = error instanceof Error ? error.message : String(error);
      return false;
    }
  }
}
