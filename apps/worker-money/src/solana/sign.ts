import type { JobError } from '@queue-service/contracts';
import type { VersionedTransaction } from '@solana/web3.js';
import bs58 from 'bs58';
import type { ChainFacts } from './chain-facts.ts';
import { type ComputeBudget, compile, type Draft, MAX_COMPUTE_UNITS, programsOf, writableKeys } from './compose.ts';
import type { MintKeys } from './derived-keys.ts';
import { mapTransactionError } from './errors.ts';
import type { RpcNodes } from './rpc-nodes.ts';
import type { SignedTransaction } from './signed-transaction.ts';

/** What a transaction may use above what its simulation used. */
const UNIT_MARGIN = 1.1;

export interface FeePolicy {
  /** Micro-lamports a compute unit, whatever the market says. */
  minUnitPrice: number;
  maxUnitPrice: number;
}

export const defaultFees: FeePolicy = { minUnitPrice: 10_000, maxUnitPrice: 1_000_000 };

/** The simulation failed; `cause` is what that means. */
export class SimulationError extends Error {
  readonly meaning: JobError;

  constructor(meaning: JobError) {
    super(meaning.message);
    this.meaning = meaning;
  }
}

export interface SignParts {
  nodes: RpcNodes;
  facts: ChainFacts;
  fees: FeePolicy;
}

export interface SignOptions {
  /** The state that the draft was made for. */
  minContextSlot: number;
  /** How often a transaction for this mint has expired already: each time the price is doubled. */
  expiries: number;
}

/**
 * Simulates the draft, gives it the compute limit and the price it needs, and signs it. Nothing is sent.
 * @throws SimulationError, and what RpcNodes throw
 */
export async function sign(
  { nodes, facts, fees }: SignParts,
  draft: Draft,
  keys: MintKeys,
  options: SignOptions,
): Promise<SignedTransaction> {
  const payer = keys.authority.publicKey;
  const probe = compile(draft, payer, { unitLimit: MAX_COMPUTE_UNITS, unitPrice: fees.maxUnitPrice }, payer.toBase58());
  const used = await simulate(nodes, probe, options.minContextSlot);
  const market = await facts.unitPrice(sharedKeys(probe, keys));
  const budget: ComputeBudget = {
    unitLimit: Math.min(Math.ceil(used * UNIT_MARGIN), MAX_COMPUTE_UNITS),
    unitPrice: Math.min(Math.max(market, fees.minUnitPrice) * 2 ** options.expiries, fees.maxUnitPrice),
  };
  const { blockhash, lastValidBlockHeight } = await facts.lifetime();
  const transaction = compile(draft, payer, budget, blockhash);
  transaction.sign([keys.authority, ...draft.signers]);
  return {
    signature: bs58.encode(transaction.signatures[0] as Uint8Array),
    lastValidBlockHeight,
    wire: Buffer.from(transaction.serialize()).toString('base64'),
    completes: draft.completes,
  };
}

/** @returns the compute units it used */
async function simulate(nodes: RpcNodes, transaction: VersionedTransaction, minContextSlot: number): Promise<number> {
  const { value } = await nodes.first((connection) =>
    connection.simulateTransaction(transaction, {
      sigVerify: false,
      replaceRecentBlockhash: true,
      commitment: 'confirmed',
      minContextSlot,
    }),
  );
  if (value.err !== null) throw new SimulationError(mapTransactionError(value.err, programsOf(transaction)));
  return value.unitsConsumed ?? MAX_COMPUTE_UNITS;
}

/** The written accounts that other transactions want too; a ticket's own accounts are wanted by nobody else. */
function sharedKeys(transaction: VersionedTransaction, { authority, collection }: MintKeys) {
  return writableKeys(transaction).filter(
    (key) => key.equals(authority.publicKey) || collection?.publicKey.equals(key),
  );
}
