import { createHash, randomBytes } from 'node:crypto';
import { ComputeBudgetProgram, Keypair, type PublicKey, SystemProgram, Transaction } from '@solana/web3.js';
import bs58 from 'bs58';
import type { SandboxClock } from '../http/clock.ts';
import { EffectLog } from '../http/effects.ts';
import { AccountHistory } from './account-history.ts';
import { mintedIn } from './balances.ts';
import { type BlockLimits, BlockSpace } from './block-space.ts';
import { Blockhashes } from './blockhashes.ts';
import { type AccountState, Engine } from './engine.ts';
import { Journal, type JournalHeader, type JournalLine, restoreAccount, storeAccount } from './journal.ts';
import { type Landed, Ledger } from './ledger.ts';
import { SlotClock } from './slot-clock.ts';
import { TransactionFaults } from './transaction-faults.ts';
import { parseTransaction } from './wire.ts';

const FAUCET_LAMPORTS = 10n ** 15n;

export interface ClusterOptions {
  clock: SandboxClock;
  slotMs: number;
  limits: BlockLimits;
  statePath: string | undefined;
  /** Lamports that these addresses hold at least. */
  fund: Readonly<Record<string, number>>;
}

interface Chain {
  engine: Engine;
  accounts: AccountHistory;
  ledger: Ledger;
}

/** One chain with everything that belongs to it; the nodes are windows to it. */
export class Cluster {
  readonly genesisHash: string;
  readonly slots: SlotClock;
  readonly blockhashes: Blockhashes;
  readonly faults = new TransactionFaults();
  readonly effects: EffectLog;
  readonly #options: ClusterOptions;
  readonly #header: JournalHeader;
  readonly #journal: Journal | undefined;
  readonly #faucet: Keypair;
  #chain: Chain;
  #airdrops = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    const { journal, lines } = openJournal(options);
    this.#journal = journal;
    this.#header = lines[0] as JournalHeader;
    this.genesisHash = this.#header.genesisHash;
    this.blockhashes = new Blockhashes(this.genesisHash);
    const last = lines.findLast((line) => line.kind === 'transaction');
    this.slots = new SlotClock({
      clock: options.clock,
      slotMs: options.slotMs,
      startedAtMs: this.#header.startedAtMs,
      ...(last && { notBefore: last.slot + 1 }),
    });
    this.effects = new EffectLog(options.clock);
    this.#faucet = Keypair.fromSeed(createHash('sha256').update(`faucet:${this.genesisHash}`).digest());
    this.#chain = this.#begin();
    for (const line of lines) this.#replay(line);
    this.#fund();
  }

  get ledger(): Ledger {
    return this.#chain.ledger;
  }

  get engine(): Engine {
    return this.#chain.engine;
  }

  get accounts(): AccountHistory {
    return this.#chain.accounts;
  }

  /** Sends lamports from the faucet. @returns the signature. */
  airdrop(to: PublicKey, lamports: number): string {
    const transaction = new Transaction({
      feePayer: this.#faucet.publicKey,
      blockhash: this.blockhashes.at(this.slots.slot()),
      lastValidBlockHeight: 0,
    });
    // The price makes two airdrops of one slot two transactions.
    transaction.add(
      ComputeBudgetProgram.setComputeUnitPrice({ microLamports: ++this.#airdrops }),
      SystemProgram.transfer({ fromPubkey: this.#faucet.publicKey, toPubkey: to, lamports }),
    );
    transaction.sign(this.#faucet);
    const wire = parseTransaction(transaction.serialize());
    this.ledger.submit(wire);
    return wire.signature;
  }

  /** Back to the genesis: no transactions, no faults, no effects; funded accounts are funded anew. Time goes on. */
  reset(): void {
    this.faults.clear();
    this.effects.clear();
    this.#journal?.replace([this.#header]);
    this.#chain = this.#begin();
    this.#fund();
  }

  close(): void {
    this.#journal?.close();
  }

  #begin(): Chain {
    const engine = new Engine();
    const accounts = new AccountHistory(engine);
    const ledger = new Ledger({
      clock: this.slots,
      engine,
      accounts,
      blockhashes: this.blockhashes,
      space: new BlockSpace(this.#options.limits),
      faults: this.faults,
      write: (line) => this.#journal?.append(line),
      landed: (landed) => this.#recordMints(landed),
    });
    const faucet = { ...EMPTY_WALLET, lamports: FAUCET_LAMPORTS };
    engine.setAccount(this.#faucet.publicKey.toBase58(), faucet);
    accounts.amend(this.#faucet.publicKey.toBase58(), faucet);
    return { engine, accounts, ledger };
  }

  #replay(line: JournalLine): void {
    if (line.kind === 'genesis') return;
    for (const stored of line.accounts) {
      const [key, state] = restoreAccount(stored);
      this.engine.setAccount(key, state);
      if (line.kind === 'accounts') this.accounts.amend(key, state);
      else this.accounts.record(key, line.slot, state);
    }
    if (line.kind !== 'transaction') return;
    const wire = parseTransaction(Buffer.from(line.wire, 'base64'));
    const { slot, blockTime, execution, balances } = line;
    const landed = { wire, slot, blockTime, execution, balances };
    this.ledger.remember(landed);
    this.#recordMints(landed);
  }

  #fund(): void {
    for (const [key, lamports] of Object.entries(this.#options.fund)) {
      const state = this.accounts.at(key, this.slots.slot()) ?? EMPTY_WALLET;
      if (state.lamports >= BigInt(lamports)) continue;
      const funded: AccountState = { ...state, lamports: BigInt(lamports) };
      this.engine.setAccount(key, funded);
      this.accounts.amend(key, funded);
      this.#journal?.append({ kind: 'accounts', accounts: [storeAccount(key, funded)] });
    }
  }

  #recordMints({ wire, slot, balances }: Landed): void {
    for (const { mint, amount } of mintedIn(balances)) {
      const account = balances.postTokenBalances.find((balance) => balance.mint === mint);
      this.effects.record({
        kind: 'mint',
        id: mint,
        detail: { amount: amount.toString(), owner: account?.owner ?? null, signature: wire.signature, slot },
      });
    }
  }
}

const EMPTY_WALLET: AccountState = {
  lamports: 0n,
  owner: SystemProgram.programId.toBase58(),
  data: new Uint8Array(),
  executable: false,
};

function openJournal({ statePath, clock }: ClusterOptions): { journal?: Journal; lines: JournalLine[] } {
  const header = (): JournalHeader => ({
    kind: 'genesis',
    genesisHash: bs58.encode(randomBytes(32)),
    startedAtMs: clock.now(),
  });
  return statePath === undefined ? { lines: [header()] } : Journal.open(statePath, header);
}
