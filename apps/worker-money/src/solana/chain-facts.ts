import type { PublicKey } from '@solana/web3.js';
import { lamportsPerByte } from './create-account.ts';
import type { RpcNodes } from './rpc-nodes.ts';

/** Short enough that a blockhash has nearly all of its life before it. */
const BLOCKHASH_MS = 2_000;
const FEES_MS = 5_000;
const RENT_MS = 600_000;
/** The share of recent blocks that a fee would have got into. */
const FEE_PERCENTILE = 0.75;

export interface Lifetime {
  blockhash: string;
  lastValidBlockHeight: number;
}

/** What holds for every mint at the moment, asked once for many of them. */
export class ChainFacts {
  readonly #nodes: RpcNodes;
  readonly #now: () => number;
  readonly #known = new Map<string, { until: number; value: Promise<unknown> }>();

  /** @param now epoch milliseconds */
  constructor(nodes: RpcNodes, now: () => number) {
    this.#nodes = nodes;
    this.#now = now;
  }

  /** The newest blockhash that any node has: a lagging node's would have used up part of its life. */
  lifetime(): Promise<Lifetime> {
    return this.#keep('blockhash', BLOCKHASH_MS, async () => {
      const all = await this.#nodes.all((connection) => connection.getLatestBlockhash('confirmed'));
      return all.reduce((newest, one) => (one.lastValidBlockHeight > newest.lastValidBlockHeight ? one : newest));
    });
  }

  lamportsPerByte(): Promise<number> {
    return this.#keep('rent', RENT_MS, async () => {
      const rent = await this.#nodes.first((connection) => connection.getMinimumBalanceForRentExemption(0));
      return lamportsPerByte(rent);
    });
  }

  /** Micro-lamports a compute unit that transactions writing the same shared accounts have paid lately. */
  unitPrice(shared: readonly PublicKey[]): Promise<number> {
    const lockedWritableAccounts = [...shared];
    return this.#keep(`fees:${shared.join()}`, FEES_MS, async () => {
      const fees = await this.#nodes.first((connection) =>
        connection.getRecentPrioritizationFees({ lockedWritableAccounts }),
      );
      const sorted = fees.map(({ prioritizationFee }) => prioritizationFee).sort((a, b) => a - b);
      return sorted[Math.floor(sorted.length * FEE_PERCENTILE)] ?? 0;
    });
  }

  #keep<T>(key: string, forMs: number, ask: () => Promise<T>): Promise<T> {
    const now = this.#now();
    const known = this.#known.get(key);
    if (known && known.until > now) return known.value as Promise<T>;
    for (const [old, { until }] of this.#known) if (until <= now) this.#known.delete(old);
    const value = ask();
    this.#known.set(key, { until: now + forMs, value });
    // A failure is for those who wait for it now, and not for whoever comes later.
    value.catch(() => this.#known.delete(key));
    return value;
  }
}
