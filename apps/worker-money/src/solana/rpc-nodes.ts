import { JobError, RateLimitedError, RetryableError } from '@queue-service/contracts';
import type { ProviderLimiter } from '@queue-service/providers';
import { Connection, type FetchFn } from '@solana/web3.js';
import { mapFetchError, mapHttpStatus, mapRpcError, NODE_BEHIND } from './errors.ts';

export interface RpcNodesOptions {
  /** In order of preference. Several views of one chain, none of which is trusted to be up or up to date. */
  urls: readonly string[];
  /** How long one request may take; default 10 s. */
  timeoutMs?: number;
  /** How long a node that failed is asked last; default 15 s. */
  coolDownMs?: number;
  /** The rate at which the fleet may use a node; none by default. */
  limiterOf?: (url: string) => ProviderLimiter;
  /** Epoch milliseconds; default the wall clock. */
  now?: () => number;
}

interface Node {
  connection: Connection;
  coolUntil: number;
}

export type Ask<T> = (connection: Connection) => Promise<T>;

/** The RPC nodes, with failover. Promises nothing about their agreement: whoever needs that asks all of them. */
export class RpcNodes {
  readonly #nodes: Node[];
  readonly #coolDownMs: number;
  readonly #now: () => number;

  constructor(options: RpcNodesOptions) {
    if (options.urls.length === 0) throw new Error('SOLANA_RPC_URL names no node');
    this.#now = options.now ?? Date.now;
    this.#coolDownMs = options.coolDownMs ?? 15_000;
    const { timeoutMs = 10_000, limiterOf } = options;
    // A node named twice would count twice towards a majority.
    this.#nodes = [...new Set(options.urls)].map((url) => ({
      // web3.js would wait and repeat on 429 by itself, holding the job; here the next node is asked.
      connection: new Connection(url, {
        commitment: 'confirmed',
        disableRetryOnRateLimit: true,
        fetch: createFetch(timeoutMs, this.#now, limiterOf?.(url)),
      }),
      coolUntil: 0,
    }));
  }

  /** How many nodes must agree before something that cannot be undone is concluded. */
  get majority(): number {
    return Math.floor(this.#nodes.length / 2) + 1;
  }

  /**
   * The answer of the first node that gives one.
   * @throws RateLimitedError all ask for patience
   * @throws PermanentError all refuse
   * @throws RetryableError none could answer
   */
  async first<T>(ask: Ask<T>): Promise<T> {
    const errors: JobError[] = [];
    for (const node of this.#inOrder()) {
      const answer = await this.#ask(node, ask);
      if (!(answer instanceof JobError)) return answer;
      errors.push(answer);
    }
    throw summary(errors);
  }

  /**
   * The answers of all nodes that give one. Nodes that have just failed are not waited for.
   * @throws as `first`, when there is not one answer
   */
  async all<T>(ask: Ask<T>): Promise<T[]> {
    const ready = this.#nodes.filter((node) => node.coolUntil <= this.#now());
    const answers = await Promise.all((ready.length > 0 ? ready : this.#nodes).map((node) => this.#ask(node, ask)));
    const good = answers.filter((answer): answer is Awaited<T> => !(answer instanceof JobError));
    if (good.length === 0) throw summary(answers.filter((answer) => answer instanceof JobError));
    return good;
  }

  #inOrder(): Node[] {
    const now = this.#now();
    return [
      ...this.#nodes.filter((node) => node.coolUntil <= now),
      ...this.#nodes.filter((node) => node.coolUntil > now),
    ];
  }

  async #ask<T>(node: Node, ask: Ask<T>): Promise<T | JobError> {
    try {
      const answer = await ask(node.connection);
      node.coolUntil = 0;
      return answer;
    } catch (thrown) {
      const error = mapRpcError(thrown);
      if (error.code === NODE_BEHIND) return error;
      const restMs = error instanceof RateLimitedError ? error.retryAfterMs : this.#coolDownMs;
      node.coolUntil = this.#now() + restMs;
      return error;
    }
  }
}

/** One error for all: what may pass is put before what will not, since one node's refusal says nothing of the others. */
function summary(errors: readonly JobError[]): JobError {
  const waits = errors.filter((error) => error instanceof RateLimitedError);
  if (waits.length === errors.length) {
    return waits.reduce((soonest, error) => (error.retryAfterMs < soonest.retryAfterMs ? error : soonest));
  }
  const others = errors.filter((error) => !(error instanceof RateLimitedError));
  return others.find((error) => error instanceof RetryableError) ?? (others[0] as JobError);
}

/** A fetch that gives up in time, and tells apart what web3.js folds into one text. */
function createFetch(timeoutMs: number, now: () => number, limiter?: ProviderLimiter): FetchFn {
  return async (input, init) => {
    await limiter?.take();
    let response: Response;
    try {
      response = await fetch(input, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    } catch (error) {
      throw mapFetchError(error);
    }
    const refused = mapHttpStatus(response.status, response.headers.get('retry-after'), now());
    if (!refused) return response;
    await response.body?.cancel();
    if (refused instanceof RateLimitedError) await limiter?.penalize(refused.retryAfterMs);
    throw refused;
  };
}
