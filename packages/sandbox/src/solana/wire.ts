import { createPublicKey, verify } from 'node:crypto';
import {
  ComputeBudgetInstruction,
  ComputeBudgetProgram,
  type PublicKey,
  TransactionInstruction,
  VersionedTransaction,
} from '@solana/web3.js';
import bs58 from 'bs58';

/** The largest packet a validator takes. */
const MAX_TRANSACTION_BYTES = 1232;
const DEFAULT_UNITS_PER_INSTRUCTION = 200_000;
const MAX_UNITS = 1_400_000;
const LAMPORTS_PER_SIGNATURE = 5_000;
/** What SPKI DER puts before the 32 bytes of an Ed25519 key. */
const ED25519_SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** A transaction as it came over the wire, with what the cluster must know of it before it runs. */
export interface WireTransaction {
  readonly bytes: Uint8Array;
  readonly transaction: VersionedTransaction;
  /** The first signature, base58: the transaction's name. */
  readonly signature: string;
  readonly blockhash: string;
  readonly keys: readonly string[];
  readonly writable: readonly string[];
  /** The compute units it reserves, used or not: what a block counts. */
  readonly unitLimit: number;
  /** Micro-lamports a compute unit. */
  readonly unitPrice: number;
  /** Lamports: signatures and priority. */
  readonly fee: number;
}

/** Why bytes are no transaction this cluster can run. */
export class WireError extends Error {}

/** @throws WireError when the bytes are too many, no transaction, or use an address lookup table. */
export function parseTransaction(bytes: Uint8Array): WireTransaction {
  if (bytes.length > MAX_TRANSACTION_BYTES) {
    throw new WireError(
      `base64 encoded too large: ${bytes.length} bytes (max: encoded/raw 1644/${MAX_TRANSACTION_BYTES})`,
    );
  }
  const transaction = deserialize(bytes);
  const { message } = transaction;
  if (message.addressTableLookups.length > 0) throw new WireError('address lookup tables are not part of the sandbox');
  const keys = message.staticAccountKeys.map((key) => key.toBase58());
  const { unitLimit, unitPrice } = computeBudget(transaction);
  const signatures = message.header.numRequiredSignatures;
  return {
    bytes,
    transaction,
    signature: bs58.encode(transaction.signatures[0] ?? new Uint8Array(64)),
    blockhash: message.recentBlockhash,
    keys,
    writable: keys.filter((_, index) => message.isAccountWritable(index)),
    unitLimit,
    unitPrice,
    fee: signatures * LAMPORTS_PER_SIGNATURE + Math.ceil((unitPrice * unitLimit) / 1_000_000),
  };
}

function deserialize(bytes: Uint8Array): VersionedTransaction {
  try {
    return VersionedTransaction.deserialize(bytes);
  } catch (error) {
    throw new WireError(`failed to deserialize transaction: ${(error as Error).message}`);
  }
}

/** Whether every required signature is there and right. */
export function signaturesVerify({ transaction }: WireTransaction): boolean {
  const message = transaction.message.serialize();
  return transaction.signatures.every((signature, index) => {
    const key = transaction.message.staticAccountKeys[index] as PublicKey;
    const spki = Buffer.concat([ED25519_SPKI_PREFIX, key.toBytes()]);
    return verify(null, message, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature);
  });
}

/** The same transaction with another blockhash; its signatures no longer fit. */
export function withBlockhash(wire: WireTransaction, blockhash: string): WireTransaction {
  const copy = deserialize(wire.bytes);
  copy.message.recentBlockhash = blockhash;
  return parseTransaction(copy.serialize());
}

function computeBudget({ message }: VersionedTransaction): { unitLimit: number; unitPrice: number } {
  let unitLimit: number | undefined;
  let unitPrice = 0;
  let others = 0;
  for (const compiled of message.compiledInstructions) {
    const programId = message.staticAccountKeys[compiled.programIdIndex];
    if (!programId?.equals(ComputeBudgetProgram.programId)) {
      others++;
      continue;
    }
    const instruction = new TransactionInstruction({ programId, keys: [], data: Buffer.from(compiled.data) });
    const type = ComputeBudgetInstruction.decodeInstructionType(instruction);
    if (type === 'SetComputeUnitLimit')
      unitLimit = ComputeBudgetInstruction.decodeSetComputeUnitLimit(instruction).units;
    if (type === 'SetComputeUnitPrice') {
      unitPrice = Number(ComputeBudgetInstruction.decodeSetComputeUnitPrice(instruction).microLamports);
    }
  }
  return { unitLimit: Math.min(unitLimit ?? others * DEFAULT_UNITS_PER_INSTRUCTION, MAX_UNITS), unitPrice };
}
