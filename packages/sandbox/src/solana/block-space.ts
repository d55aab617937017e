import type { WireTransaction } from './wire.ts';

/** Compute units a block holds, and those of one account that transactions write-lock. Defaults are mainnet's. */
export interface BlockLimits {
  blockUnits: number;
  accountUnits: number;
}

export const MAINNET_LIMITS: BlockLimits = { blockUnits: 60_000_000, accountUnits: 12_000_000 };

/**
 * How full the block of the current slot is. The units a transaction reserves count, not those it uses, and all
 * transactions that write the same account (a fee payer, a collection) share that account's part.
 */
export class BlockSpace {
  readonly #limits: BlockLimits;
  #slot = -1;
  #block = 0;
  readonly #accounts = new Map<string, number>();

  constructor(limits: BlockLimits) {
    this.#limits = limits;
  }

  /** Takes the space in the block of `slot`; false when it is full. Slots come in rising order. */
  take(wire: WireTransaction, slot: number): boolean {
    if (slot !== this.#slot) {
      this.#slot = slot;
      this.#block = 0;
      this.#accounts.clear();
    }
    const units = wire.unitLimit;
    const fits =
      this.#block + units <= this.#limits.blockUnits &&
      wire.writable.every((key) => (this.#accounts.get(key) ?? 0) + units <= this.#limits.accountUnits);
    if (!fits) return false;
    this.#block += units;
    for (const key of wire.writable) this.#accounts.set(key, (this.#accounts.get(key) ?? 0) + units);
    return true;
  }
}
