import { PublicKey } from '@solana/web3.js';
import bs58 from 'bs58';
// The binding and not the package's front door: it takes transactions as the bytes that JSON-RPC carries, where the
// front door wants them rebuilt as objects of a second Solana SDK.
import {
  Account,
  FailedTransactionMetadata,
  LiteSvm,
  type SimulatedTransactionInfo,
  type TransactionMetadata,
} from 'litesvm/dist/internal.js';
import { type TransactionErrorJson, toErrorJson } from './transaction-error.ts';
import type { WireTransaction } from './wire.ts';

export interface AccountState {
  lamports: bigint;
  owner: string;
  data: Uint8Array;
  executable: boolean;
}

interface InnerInstructions {
  index: number;
  instructions: { programIdIndex: number; accounts: number[]; data: string; stackHeight: number }[];
}

/** What running a transaction came to. */
export interface Execution {
  error: TransactionErrorJson | null;
  logs: string[];
  unitsConsumed: number;
  innerInstructions: InnerInstructions[];
  returnData: { programId: string; data: [string, 'base64'] } | null;
}

export interface Simulation extends Execution {
  postAccounts: Map<string, AccountState>;
}

/** The Solana virtual machine with the SPL programs: runs transactions on the newest state, and knows no time. */
export class Engine {
  readonly #svm = new LiteSvm();

  constructor() {
    // Blockhashes, duplicates and history are the ledger's: LiteSVM knows only one valid blockhash, and no heights.
    this.#svm.setBlockhashCheck(false);
    this.#svm.setTransactionHistory(0n);
  }

  setTime(slot: number, unixTime: number): void {
    const clock = this.#svm.getClock();
    clock.slot = BigInt(slot);
    clock.unixTimestamp = BigInt(unixTime);
    this.#svm.setClock(clock);
  }

  account(key: string): AccountState | null {
    const account = this.#svm.getAccount(bs58.decode(key));
    return account && account.lamports() > 0n ? toState(account) : null;
  }

  setAccount(key: string, state: AccountState | null): void {
    const { lamports, owner, data, executable } = state ?? ABSENT;
    this.#svm.setAccount(bs58.decode(key), new Account(lamports, data, bs58.decode(owner), executable, 0n));
  }

  rentExemption(bytes: number): number {
    return Number(this.#svm.minimumBalanceForRentExemption(BigInt(bytes)));
  }

  /** Runs the transaction and keeps what it did. */
  run(wire: WireTransaction): Execution {
    const result =
      wire.transaction.version === 'legacy'
        ? this.#svm.sendLegacyTransaction(wire.bytes)
        : this.#svm.sendVersionedTransaction(wire.bytes);
    return toExecution(result);
  }

  /** Runs the transaction and keeps nothing. `view` puts older accounts in the place of the newest for the run. */
  simulate(wire: WireTransaction, options: { verify: boolean; view: Map<string, AccountState | null> }): Simulation {
    const newest = new Map([...options.view.keys()].map((key) => [key, this.account(key)]));
    for (const [key, state] of options.view) this.setAccount(key, state);
    this.#svm.setSigverify(options.verify);
    try {
      const result =
        wire.transaction.version === 'legacy'
          ? this.#svm.simulateLegacyTransaction(wire.bytes)
          : this.#svm.simulateVersionedTransaction(wire.bytes);
      return { ...toExecution(result), postAccounts: postAccounts(result) };
    } finally {
      this.#svm.setSigverify(true);
      for (const [key, state] of newest) this.setAccount(key, state);
    }
  }
}

const ABSENT: AccountState = {
  lamports: 0n,
  owner: PublicKey.default.toBase58(),
  data: new Uint8Array(),
  executable: false,
};

function toState(account: Account): AccountState {
  return {
    lamports: account.lamports(),
    owner: bs58.encode(account.owner()),
    data: account.data(),
    executable: account.executable(),
  };
}

function postAccounts(result: SimulatedTransactionInfo | FailedTransactionMetadata): Map<string, AccountState> {
  if (result instanceof FailedTransactionMetadata) return new Map();
  return new Map(result.postAccounts().map((entry) => [bs58.encode(entry.address), toState(entry.account())]));
}

function toExecution(result: TransactionMetadata | SimulatedTransactionInfo | FailedTransactionMetadata): Execution {
  const meta = 'meta' in result ? result.meta() : result;
  const returned = meta.returnData();
  return {
    error: result instanceof FailedTransactionMetadata ? toErrorJson(result.err()) : null,
    logs: meta.logs(),
    unitsConsumed: Number(meta.computeUnitsConsumed()),
    innerInstructions: innerInstructions(meta),
    returnData:
      returned.data().length === 0
        ? null
        : {
            programId: bs58.encode(returned.programId()),
            data: [Buffer.from(returned.data()).toString('base64'), 'base64'],
          },
  };
}

function innerInstructions(meta: TransactionMetadata): InnerInstructions[] {
  return meta.innerInstructions().flatMap((inner, index) => {
    if (inner.length === 0) return [];
    const instructions = inner.map((entry) => {
      const instruction = entry.instruction();
      return {
        programIdIndex: instruction.programIdIndex(),
        accounts: [...instruction.accounts()],
        data: bs58.encode(instruction.data()),
        stackHeight: entry.stackHeight(),
      };
    });
    return [{ index, instructions }];
  });
}
