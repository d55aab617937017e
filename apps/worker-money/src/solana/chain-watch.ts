import type { SignatureStatus } from '@solana/web3.js';
import type { RpcNodes } from './rpc-nodes.ts';

/** What one node says of a transaction. */
export interface NodeView {
  /** Block height that the node calls finalized, asked before the status. */
  finalizedHeight: number;
  /** Null: the node does not know the signature. */
  status: SignatureStatus | null;
}

/** What the nodes that answered say; empty when none did. */
export interface Look {
  views: NodeView[];
  /** Whether nodes were told to search their whole history, and not only the last blocks. */
  history: boolean;
}

/** getSignatureStatuses takes no more. */
const MOST_SIGNATURES = 256;

export interface ChainWatchOptions {
  nodes: RpcNodes;
  /** Between two looks. */
  intervalMs: number;
  wait: (ms: number) => Promise<void>;
}

interface Waiter {
  signature: string;
  history: boolean;
  resolve: (look: Look) => void;
}

/**
 * Looks at the chain for all mints of this process together: one look asks for up to 256 signatures at once, so a
 * hundred mints cost a node no more requests than one. It looks only while somebody waits.
 */
export class ChainWatch {
  readonly #options: ChainWatchOptions;
  #waiters: Waiter[] = [];
  #running = false;

  constructor(options: ChainWatchOptions) {
    this.#options = options;
  }

  /** The next look at the signature. It never rejects; nodes that cannot answer are left out. */
  look(signature: string, history: boolean): Promise<Look> {
    const { promise, resolve } = Promise.withResolvers<Look>();
    this.#waiters.push({ signature, history, resolve });
    if (!this.#running) void this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiters.length > 0) {
      await this.#options.wait(this.#options.intervalMs);
      const waiters = this.#waiters;
      this.#waiters = [];
      for (const history of [false, true]) {
        const group = waiters.filter((waiter) => waiter.history === history);
        for (let start = 0; start < group.length; start += MOST_SIGNATURES) {
          await this.#answer(group.slice(start, start + MOST_SIGNATURES), history);
        }
      }
    }
    this.#running = false;
  }

  async #answer(waiters: Waiter[], history: boolean): Promise<void> {
    const signatures = waiters.map(({ signature }) => signature);
    const answers = await this.#options.nodes
      .all(async (connection) => ({
        // In this order: a height read after the status could be past a block that the status did not see yet.
        finalizedHeight: await connection.getBlockHeight('finalized'),
        statuses: (await connection.getSignatureStatuses(signatures, { searchTransactionHistory: history })).value,
      }))
      .catch(() => []);
    for (const [index, { resolve }] of waiters.entries()) {
      resolve({
        history,
        views: answers.map(({ finalizedHeight, statuses }) => ({ finalizedHeight, status: statuses[index] ?? null })),
      });
    }
  }
}
