import type { WireTransaction } from './wire.ts';

/**
 * What the cluster does to a transaction that an RPC node has taken. (What a node does to a request is a fault of the
 * HTTP side: `status`, `hang-after-work` and the rest.)
 * - `drop`: it never lands. The same bytes sent again are a new try.
 * - `land-later`: it waits `slots` slots before it lands, if its blockhash is still good then.
 * - `fork`: every node shows it as processed for `slots` slots, on a fork that the cluster then leaves.
 */
export type TransactionFault =
  | { kind: 'drop' }
  | { kind: 'land-later'; slots: number }
  | { kind: 'fork'; slots: number };

export const TRANSACTION_FAULTS: readonly string[] = ['drop', 'land-later', 'fork'];

export interface TransactionFaultRule {
  match?: {
    /** An account the transaction names, base58. */
    account?: string;
    signature?: string;
  };
  /** How many matching transactions meet it; default 1. */
  times?: number | 'always';
  /** How many matching transactions pass first; default 0. */
  after?: number;
  do: TransactionFault;
}

/** The fault rules of the cluster. The first rule that matches and has uses left decides. */
export class TransactionFaults {
  #rules: { id: string; rule: TransactionFaultRule; seen: number; used: number }[] = [];
  #next = 1;

  /** @returns the id by which `remove` knows the rule. */
  add(rule: TransactionFaultRule): string {
    const id = `transaction_fault_${this.#next++}`;
    this.#rules.push({ id, rule, seen: 0, used: 0 });
    return id;
  }

  remove(id: string): boolean {
    const before = this.#rules.length;
    this.#rules = this.#rules.filter((entry) => entry.id !== id);
    return this.#rules.length < before;
  }

  list() {
    return this.#rules;
  }

  clear(): void {
    this.#rules = [];
  }

  /** Decides about one transaction, and counts. */
  take(wire: WireTransaction): TransactionFault | undefined {
    for (const entry of this.#rules) {
      const { match, after = 0, times = 1 } = entry.rule;
      if (match?.account !== undefined && !wire.keys.includes(match.account)) continue;
      if (match?.signature !== undefined && match.signature !== wire.signature) continue;
      entry.seen++;
      if (entry.seen <= after || (times !== 'always' && entry.used >= times)) continue;
      entry.used++;
      return entry.rule.do;
    }
    return undefined;
  }
}
