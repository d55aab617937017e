import { JobError, PermanentError, RetryableError } from '@queue-service/contracts';
import type { Keypair } from '@solana/web3.js';
import { ChainFacts } from './chain-facts.ts';
import { ChainWatch } from './chain-watch.ts';
import { nextDraft } from './compose.ts';
import { rentOf } from './create-account.ts';
import { type MintKeys, mintKeys } from './derived-keys.ts';
import { mintAuthorityLow, NODE_BEHIND } from './errors.ts';
import { ticketSize } from './mint-size.ts';
import { type Observation, observe } from './observe.ts';
import { remainingSteps } from './plan.ts';
import { findReceipt, receiptOf } from './receipt.ts';
import type { RpcNodes } from './rpc-nodes.ts';
import { isFinal, judge, type Settlement, settle } from './settle.ts';
import { defaultFees, type FeePolicy, SimulationError, sign } from './sign.ts';
import type { SignedTransaction } from './signed-transaction.ts';
import type { MintReceipt, TicketOrder } from './ticket.ts';

export interface MinterOptions {
  nodes: RpcNodes;
  authority: Keypair;
  fees?: FeePolicy;
  /** Lamports that stay with the authority; default 0.01 SOL, which is more than the fees of a mint can be. */
  reserveLamports?: number;
  /** Between two looks at the chain; default 1 s. */
  pollMs?: number;
  wait?: (ms: number) => Promise<void>;
  /** Epoch milliseconds; default the wall clock. */
  now?: () => number;
}

export interface MintCall {
  /** The transaction that an earlier try stored, or null. */
  memo: SignedTransaction | null;
  /** Stores the transaction; it leaves only after that. */
  remember: (transaction: SignedTransaction) => Promise<void>;
  signal: AbortSignal;
}

export interface IntendOptions {
  /** The oldest state that may be planned on. */
  minContextSlot: number;
  /** Whether all nodes are asked for the newest state. */
  freshest: boolean;
  expiries: number;
}

/** What became of a mint whose outcome was open. */
export type MintLookup =
  | { state: 'done'; receipt: MintReceipt }
  /** Nobody has the ticket, and the stored transaction may still land: `mint` goes on with its bytes, and with no others. */
  | { state: 'in_flight' }
  /** Nobody has the ticket, and no transaction that was ever signed for it can land any more. */
  | { state: 'absent' }
  | { state: 'unclear'; reason: string };

/** More transactions than any ticket needs, with room for lost races. */
const MOST_ROUNDS = 30;
const MOST_FAILURES = 3;
const MOST_WAITS_FOR_NODES = 20;
/** A token account with the extensions that Token-2022 gives it, and a collection. */
const TOKEN_ACCOUNT_BYTES = 178;
const COLLECTION_BYTES = 560;

/**
 * Mints tickets from one authority. It keeps no state about jobs: what is to be done follows from the order, the
 * stored transaction and the chain, so any worker can go on where another was killed.
 */
export class Minter {
  readonly authority: Keypair;
  readonly #nodes: RpcNodes;
  readonly #facts: ChainFacts;
  readonly #watch: ChainWatch;
  readonly #fees: FeePolicy;
  readonly #reserveLamports: number;
  readonly #pause: () => Promise<void>;

  constructor(options: MinterOptions) {
    const { nodes, pollMs = 1_000, wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms)) } = options;
    this.authority = options.authority;
    this.#nodes = nodes;
    this.#facts = new ChainFacts(nodes, options.now ?? Date.now);
    this.#watch = new ChainWatch({ nodes, intervalMs: pollMs, wait });
    this.#fees = options.fees ?? defaultFees;
    this.#reserveLamports = options.reserveLamports ?? 10_000_000;
    this.#pause = () => wait(pollMs);
  }

  /**
   * Mints the ticket, or finishes what an earlier try began.
   * @throws PermanentError it can never be minted; nothing of it is in flight
   * @throws RetryableError, RateLimitedError nothing is in flight
   * @throws UnknownOutcomeError the stored transaction may still land
   */
  async mint(order: TicketOrder, { memo, remember, signal }: MintCall): Promise<MintReceipt> {
    const next = { minContextSlot: 0, freshest: memo !== null, expiries: 0 };
    let stored = memo;
    let failures = 0;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      if (signal.aborted)
        throw new RetryableError({ code: 'aborted', message: 'The attempt ended before the next transaction' });
      const transaction = stored ?? (await this.intend(order, next));
      if (transaction === null) return findReceipt(this.#nodes, order);
      if (stored === null) await remember(transaction);
      const settlement = await this.send(transaction, stored !== null, signal);
      stored = null;
      if (settlement.kind === 'expired') {
        next.freshest = true;
        next.expiries++;
        continue;
      }
      next.minContextSlot = settlement.slot;
      // It passed simulation and met another state in its block, as the loser of a race does. Each costs a fee.
      if (settlement.kind === 'failed' && ++failures === MOST_FAILURES) {
        throw new RetryableError({
          code: 'transaction_failed',
          message: `${failures} transactions failed in their blocks`,
        });
      }
      if (settlement.kind === 'confirmed' && transaction.completes) {
        return receiptOf(order, { signature: transaction.signature, slot: settlement.slot });
      }
    }
    throw new RetryableError({
      code: 'mint_unfinished',
      message: `The ticket is not complete after ${MOST_ROUNDS} transactions`,
    });
  }

  /**
   * Plans the next transaction from what is on the chain and signs it, without sending it. Null: the ticket is out.
   * Must not be called while an earlier transaction of the order can still land.
   */
  async intend(
    order: TicketOrder,
    { minContextSlot, freshest, expiries }: IntendOptions,
  ): Promise<SignedTransaction | null> {
    const keys = this.#keysOf(order);
    for (let attempt = 1; ; attempt++) {
      // A simulation that fails may have met a state that another mint has changed (a collection that is there by
      // now); it counts only when it fails on the newest state as well.
      const observation = await this.#observe(order, keys, minContextSlot, freshest || attempt > 1);
      const steps = remainingSteps(order, keys, observation);
      if (steps.length === 0) return null;
      this.#checkFunds(order, observation);
      const draft = nextDraft(steps, keys.authority.publicKey);
      const parts = { nodes: this.#nodes, facts: this.#facts, fees: this.#fees };
      try {
        return await this.#patiently(() => sign(parts, draft, keys, { minContextSlot: observation.slot, expiries }));
      } catch (error) {
        if (!(error instanceof SimulationError)) throw error;
        if (attempt > 1) throw error.meaning;
      }
    }
  }

  /** Sends the same bytes until the chain has answered. @throws UnknownOutcomeError */
  send(transaction: SignedTransaction, sentBefore: boolean, signal: AbortSignal): Promise<Settlement> {
    return settle({ nodes: this.#nodes, watch: this.#watch }, transaction, sentBefore, signal);
  }

  /**
   * Looks for what an earlier try did, and changes nothing.
   * @throws RetryableError, RateLimitedError when the nodes cannot tell now
   */
  async find(order: TicketOrder, memo: SignedTransaction | null): Promise<MintLookup> {
    try {
      const look = memo && (await this.#watch.look(memo.signature, true));
      const settlement = look && judge(look, memo, this.#nodes.majority);
      if (memo?.completes && settlement?.kind === 'confirmed')
        return { state: 'done', receipt: receiptOf(order, { ...memo, slot: settlement.slot }) };
      const keys = mintKeys(this.authority, order);
      const { ticket } = await this.#observe(order, keys, 0, true);
      if (ticket.stage === 'done') return { state: 'done', receipt: await findReceipt(this.#nodes, order) };
      // What is not final may be undone together with its block, and the same bytes land in another.
      if (look && !isFinal(look, memo, this.#nodes.majority)) return { state: 'in_flight' };
      return this.#isOurs(order, keys) ? { state: 'absent' } : { state: 'unclear', reason: AUTHORITY_CHANGED };
    } catch (error) {
      // A refusal now says nothing about what was sent before.
      if (!(error instanceof PermanentError) || memo === null) throw error;
      if (error.code === 'mint_conflict') return { state: 'unclear', reason: error.message };
      throw new RetryableError({ code: error.code, message: error.message });
    }
  }

  /** What the authority holds, for whoever watches that it stays above what the coming mints need. */
  authorityLamports(): Promise<number> {
    return this.#nodes.first((connection) => connection.getBalance(this.authority.publicKey, 'confirmed'));
  }

  #keysOf(order: TicketOrder): MintKeys {
    const keys = mintKeys(this.authority, order);
    if (this.#isOurs(order, keys)) return keys;
    throw new PermanentError({ code: 'mint_authority_changed', message: AUTHORITY_CHANGED });
  }

  #isOurs(order: TicketOrder, keys: MintKeys): boolean {
    return keys.ticket.publicKey.toBase58() === order.mintAddress;
  }

  async #observe(order: TicketOrder, keys: MintKeys, minContextSlot: number, freshest: boolean): Promise<Observation> {
    const target = {
      order,
      authority: keys.authority.publicKey,
      collection: keys.collection?.publicKey ?? null,
      lamportsPerByte: await this.#facts.lamportsPerByte(),
    };
    return this.#patiently(() => observe(this.#nodes, target, { minContextSlot, freshest }));
  }

  #checkFunds(order: TicketOrder, { ticket, collection, authorityLamports, lamportsPerByte }: Observation): void {
    const rent = (bytes: number) => rentOf(bytes, lamportsPerByte);
    let needed = this.#reserveLamports + rent(TOKEN_ACCOUNT_BYTES);
    if (ticket.stage === 'absent') needed += rent(ticketSize(order, this.authority.publicKey).full);
    if (order.collection && !collection.exists) needed += rent(COLLECTION_BYTES);
    if (authorityLamports < needed) throw mintAuthorityLow();
  }

  /** Waits for nodes that have not reached the slot of the last transaction yet. */
  async #patiently<T>(ask: () => Promise<T>): Promise<T> {
    for (let waits = 0; ; waits++) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof JobError) || error.code !== NODE_BEHIND || waits === MOST_WAITS_FOR_NODES) throw error;
        await this.#pause();
      }
    }
  }
}

const AUTHORITY_CHANGED =
  'The mint authority is not the one this ticket was begun with; its address can no longer be signed for';
