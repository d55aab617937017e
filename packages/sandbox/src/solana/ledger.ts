import type { AccountHistory } from './account-history.ts';
import { type Balances, holdings } from './balances.ts';
import type { BlockSpace } from './block-space.ts';
import type { Blockhashes } from './blockhashes.ts';
import type { AccountState, Engine, Execution } from './engine.ts';
import type { JournalLine } from './journal.ts';
import { storeAccount } from './journal.ts';
import type { SlotClock } from './slot-clock.ts';
import type { TransactionFaults } from './transaction-faults.ts';
import type { WireTransaction } from './wire.ts';

/** A transaction that is in a block. */
export interface Landed {
  wire: WireTransaction;
  slot: number;
  /** Unix time in seconds. */
  blockTime: number;
  execution: Execution;
  balances: Balances;
}

export interface LedgerParts {
  clock: SlotClock;
  engine: Engine;
  accounts: AccountHistory;
  blockhashes: Blockhashes;
  space: BlockSpace;
  faults: TransactionFaults;
  /** Where each thing that changed the ledger is written down. */
  write: (line: JournalLine) => void;
  /** Told of everything that lands. */
  landed: (landed: Landed) => void;
}

interface Pending {
  wire: WireTransaction;
  notBefore: number;
}

/**
 * The chain all nodes look at: takes transactions as a leader does, puts them in blocks as slots go by, and remembers
 * them. It promises that a signature lands at most once and never after its blockhash is too old.
 */
export class Ledger {
  readonly #parts: LedgerParts;
  readonly #landed = new Map<string, Landed>();
  readonly #inOrder: Landed[] = [];
  readonly #byAccount = new Map<string, Landed[]>();
  readonly #forks = new Map<string, { slot: number; until: number }>();
  #pending: Pending[] = [];
  #reached: number;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
    this.#reached = parts.clock.slot();
  }

  /** What an RPC node forwards. Nothing is answered: whether it lands shows only on the chain. */
  submit(wire: WireTransaction): void {
    this.catchUp();
    const fault = this.#parts.faults.take(wire);
    if (fault?.kind === 'drop') return;
    const slot = this.#reached;
    if (fault?.kind === 'fork') {
      this.#forks.set(wire.signature, { slot, until: slot + fault.slots });
      return;
    }
    this.#pending.push({ wire, notBefore: slot + (fault?.kind === 'land-later' ? fault.slots : 0) });
    this.catchUp();
  }

  /** Produces the blocks up to now. */
  catchUp(): void {
    const now = this.#parts.clock.slot();
    while (this.#pending.length > 0 && this.#reached < now) {
      this.#produce();
      this.#reached++;
    }
    this.#reached = now;
    this.#produce();
  }

  landed(signature: string): Landed | undefined {
    return this.#landed.get(signature);
  }

  /** Transactions that name the account, oldest first. */
  ofAccount(key: string): readonly Landed[] {
    return this.#byAccount.get(key) ?? [];
  }

  /** The slot of a fork on which the transaction is to be seen at `slot`. */
  forked(signature: string, slot: number): number | undefined {
    const fork = this.#forks.get(signature);
    return fork && fork.slot <= slot && slot <= fork.until ? fork.slot : undefined;
  }

  /** How many transactions have landed. */
  get size(): number {
    return this.#landed.size;
  }

  /** Transactions of this slot and later, newest first. */
  *since(slot: number): Generator<Landed> {
    for (let index = this.#inOrder.length - 1; index >= 0; index--) {
      const landed = this.#inOrder[index] as Landed;
      if (landed.slot < slot) return;
      yield landed;
    }
  }

  /** Takes in a transaction that landed before a restart. */
  remember(landed: Landed): void {
    this.#landed.set(landed.wire.signature, landed);
    this.#inOrder.push(landed);
    for (const key of landed.wire.keys) {
      const list = this.#byAccount.get(key);
      if (list) list.push(landed);
      else this.#byAccount.set(key, [landed]);
    }
  }

  #produce(): void {
    const slot = this.#reached;
    const waiting: Pending[] = [];
    for (const entry of this.#pending) {
      if (this.#landed.has(entry.wire.signature)) continue;
      if (!this.#parts.blockhashes.isValid(entry.wire.blockhash, Math.max(slot, entry.notBefore))) continue;
      if (entry.notBefore > slot || !this.#parts.space.take(entry.wire, slot)) waiting.push(entry);
      else this.#land(entry.wire, slot);
    }
    this.#pending = waiting;
  }

  #land(wire: WireTransaction, slot: number): void {
    const { engine, clock, accounts } = this.#parts;
    const blockTime = clock.blockTime(slot);
    engine.setTime(slot, blockTime);
    const account = (key: string) => accounts.at(key, slot);
    const before = new Map(wire.writable.map((key) => [key, engine.account(key)]));
    const held = holdings(wire.keys, account);
    const execution = engine.run(wire);
    const after = new Map(wire.writable.map((key) => [key, engine.account(key)]));
    // Errors before the first instruction (no funds for the fee, bad signature) do not get into a block.
    if (execution.error !== null && !feeWasPaid(wire, before, after)) return;

    for (const [key, state] of after) accounts.record(key, slot, state);
    const holds = holdings(wire.keys, account);
    const landed: Landed = {
      wire,
      slot,
      blockTime,
      execution,
      balances: {
        preBalances: held.lamports,
        postBalances: holds.lamports,
        preTokenBalances: held.tokens,
        postTokenBalances: holds.tokens,
      },
    };
    this.remember(landed);
    this.#parts.write({
      kind: 'transaction',
      slot,
      blockTime,
      wire: Buffer.from(wire.bytes).toString('base64'),
      execution,
      balances: landed.balances,
      accounts: [...after].map(([key, state]) => storeAccount(key, state)),
    });
    this.#parts.landed(landed);
  }
}

function feeWasPaid(
  wire: WireTransaction,
  before: Map<string, AccountState | null>,
  after: Map<string, AccountState | null>,
): boolean {
  const payer = wire.keys[0] as string;
  return before.get(payer)?.lamports !== after.get(payer)?.lamports;
}
