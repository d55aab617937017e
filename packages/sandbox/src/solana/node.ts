import type { Cluster } from './cluster.ts';
import type { AccountState } from './engine.ts';
import { blockHeight } from './slot-clock.ts';

export type Commitment = 'processed' | 'confirmed' | 'finalized';

/** Slots until a block has the votes of the cluster, and until it can no longer be left. */
const DEPTH: Record<Commitment, number> = { processed: 0, confirmed: 1, finalized: 32 };

export interface NodeOptions {
  /** Slots by which its view is behind the cluster; default 0. */
  lag?: number;
  /** It takes connections and cuts them. */
  down?: boolean;
}

/** An RPC node: a window to the cluster, which may be behind or away. */
export class SolanaNode {
  readonly index: number;
  readonly url: string;
  readonly wsUrl: string;
  readonly #cluster: Cluster;
  lag: number;
  down: boolean;

  constructor(cluster: Cluster, address: { index: number; url: string; wsUrl: string }, options: NodeOptions) {
    this.#cluster = cluster;
    this.index = address.index;
    this.url = address.url;
    this.wsUrl = address.wsUrl;
    this.lag = options.lag ?? 0;
    this.down = options.down ?? false;
  }

  /** The newest slot it knows. */
  get tip(): number {
    return this.#cluster.slots.slot() - this.lag;
  }

  bank(commitment: Commitment): Bank {
    return new Bank(this.#cluster, this.tip - DEPTH[commitment]);
  }

  /** How far a transaction of `slot` has come, as this node sees it; undefined when it has not seen that slot. */
  depth(slot: number): { confirmations: number | null; confirmationStatus: Commitment } | undefined {
    const confirmations = this.tip - slot;
    if (confirmations < 0) return undefined;
    if (confirmations >= DEPTH.finalized) return { confirmations: null, confirmationStatus: 'finalized' };
    return { confirmations, confirmationStatus: confirmations >= DEPTH.confirmed ? 'confirmed' : 'processed' };
  }
}

/** The state of the chain at one slot. */
export class Bank {
  readonly slot: number;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster, slot: number) {
    this.#cluster = cluster;
    this.slot = slot;
  }

  get blockHeight(): number {
    return blockHeight(this.slot);
  }

  account(key: string): AccountState | null {
    return this.#cluster.accounts.at(key, this.slot);
  }

  accounts(): Iterable<[key: string, state: AccountState]> {
    return this.#cluster.accounts.all(this.slot);
  }

  /** Of these accounts those that are not as they are now. */
  older(keys: readonly string[]): Map<string, AccountState | null> {
    const changed = keys.filter((key) => this.#cluster.accounts.changedAfter(key, this.slot));
    return new Map(changed.map((key) => [key, this.account(key)]));
  }

  takesBlockhash(blockhash: string): boolean {
    return this.#cluster.blockhashes.isValid(blockhash, this.slot);
  }
}
