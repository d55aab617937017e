import { createHash } from 'node:crypto';
import bs58 from 'bs58';
import { blockHeight } from './slot-clock.ts';

/** A transaction is taken up to this many blocks after the one whose hash it names (MAX_PROCESSING_AGE). */
const BLOCKHASH_LIFETIME = 150;

/** How far back hashes are still told apart from unknown ones. */
const REMEMBERED = 1_000;

/** The blockhash of every slot: a function of the genesis hash and the slot, so that it survives a restart. */
export class Blockhashes {
  readonly #genesisHash: string;
  readonly #slots = new Map<string, number>();
  #newest = 0;

  constructor(genesisHash: string) {
    this.#genesisHash = genesisHash;
  }

  at(slot: number): string {
    return bs58.encode(createHash('sha256').update(`${this.#genesisHash}:${slot}`).digest());
  }

  /** The last block height at which a transaction with the hash of `slot` can land. */
  lastValidBlockHeight(slot: number): number {
    return blockHeight(slot) + BLOCKHASH_LIFETIME;
  }

  /** Whether a bank at `slot` takes a transaction with this blockhash. */
  isValid(blockhash: string, slot: number): boolean {
    this.#extendTo(slot);
    const from = this.#slots.get(blockhash);
    return from !== undefined && from <= slot && blockHeight(slot) <= this.lastValidBlockHeight(from);
  }

  #extendTo(tip: number): void {
    for (let slot = Math.max(this.#newest + 1, tip - REMEMBERED); slot <= tip; slot++)
      this.#slots.set(this.at(slot), slot);
    this.#newest = Math.max(this.#newest, tip);
    for (const [hash, slot] of this.#slots) {
      if (slot >= this.#newest - REMEMBERED) break;
      this.#slots.delete(hash);
    }
  }
}
