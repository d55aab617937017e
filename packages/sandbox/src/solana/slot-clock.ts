import type { SandboxClock } from '../http/clock.ts';

/**
 * Above LiteSVM's own first slot (447,552,000), at which it deploys its programs: a node that lags, or a read at
 * `finalized`, looks further back than the cluster has run, and must find them there.
 */
const FIRST_SLOT = 447_560_000;

/** Slots without a block since genesis: block heights and slots are different numbers on every real cluster. */
const SKIPPED_SLOTS = 21_417_311;

export interface SlotClockOptions {
  clock: SandboxClock;
  /** Milliseconds a slot lasts. Solana's is 400. */
  slotMs: number;
  /** When the first slot began, epoch milliseconds. */
  startedAtMs: number;
  /** The cluster does not go back behind this slot, whatever the clock says: a restored ledger ended there. */
  notBefore?: number;
}

/** Turns time into slots. It keeps no timer: whoever asks, asks for now. */
export class SlotClock {
  readonly slotMs: number;
  readonly #clock: SandboxClock;
  readonly #startedAtMs: number;
  readonly #behind: number;

  constructor(options: SlotClockOptions) {
    this.slotMs = options.slotMs;
    this.#clock = options.clock;
    this.#startedAtMs = options.startedAtMs;
    this.#behind = 0;
    this.#behind = Math.max(0, (options.notBefore ?? FIRST_SLOT) - this.slot());
  }

  /** The slot that is being produced now. */
  slot(): number {
    const elapsed = Math.max(0, this.#clock.now() - this.#startedAtMs);
    return FIRST_SLOT + this.#behind + Math.floor(elapsed / this.slotMs);
  }

  /** Unix time of a slot in whole seconds. */
  blockTime(slot: number): number {
    return Math.floor((this.#startedAtMs + (slot - FIRST_SLOT - this.#behind) * this.slotMs) / 1000);
  }

  advance(slots: number): void {
    this.#clock.advance(slots * this.slotMs);
  }
}

/** Every slot of this cluster has a block. */
export function blockHeight(slot: number): number {
  return slot - SKIPPED_SLOTS;
}
