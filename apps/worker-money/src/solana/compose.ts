import { PermanentError } from '@queue-service/contracts';
import {
  ComputeBudgetProgram,
  type Keypair,
  type PublicKey,
  type TransactionInstruction,
  TransactionMessage,
  VersionedTransaction,
} from '@solana/web3.js';
import type { Step } from './step.ts';

/** The largest transaction that validators take: an IPv6 packet less its headers. */
const MAX_TRANSACTION_BYTES = 1232;
/** The most compute units a transaction may have; for simulation, which shall not end for want of them. */
export const MAX_COMPUTE_UNITS = 1_400_000;

const SIGNATURE_BYTES = 64;
const ANY_BLOCKHASH = '11111111111111111111111111111111';

export interface ComputeBudget {
  /** Compute units reserved. What is reserved is paid for and takes room in the block, used or not. */
  unitLimit: number;
  /** Micro-lamports a unit. */
  unitPrice: number;
}

/** The next transaction: as many of the steps, in order, as fit into one. */
export interface Draft {
  instructions: TransactionInstruction[];
  signers: Keypair[];
  completes: boolean;
}

/** @throws PermanentError `ticket_too_large` when a step fits into no transaction, now or later */
export function nextDraft(steps: readonly Step[], payer: PublicKey): Draft {
  let draft: Draft = { instructions: [], signers: [], completes: false };
  for (const [index, step] of steps.entries()) {
    const longer = append(draft, step);
    if (!fits(longer, payer)) {
      refuseTooLarge(steps.slice(index), payer);
      break;
    }
    draft = longer;
    if (step.alone) {
      refuseTooLarge(steps.slice(index + 1), payer);
      break;
    }
  }
  return draft;
}

function append(draft: Draft, step: Step): Draft {
  return {
    instructions: [...draft.instructions, ...step.instructions],
    signers: [...draft.signers, ...step.signers],
    completes: step.completes ?? false,
  };
}

/** Before the first transaction is signed, so that no half of a ticket is built that cannot be finished. */
function refuseTooLarge(steps: readonly Step[], payer: PublicKey): void {
  const nothing: Draft = { instructions: [], signers: [], completes: false };
  if (steps.every((step) => fits(append(nothing, step), payer))) return;
  throw new PermanentError({
    code: 'ticket_too_large',
    message: 'A metadata field is too long for a Solana transaction',
  });
}

function fits(draft: Draft, payer: PublicKey): boolean {
  try {
    const budget = { unitLimit: MAX_COMPUTE_UNITS, unitPrice: 1 };
    const message = compile(draft, payer, budget, ANY_BLOCKHASH).message;
    const signatures = message.header.numRequiredSignatures;
    return 1 + signatures * SIGNATURE_BYTES + message.serialize().length <= MAX_TRANSACTION_BYTES;
  } catch (error) {
    // web3.js serializes into a buffer of that size, and reports what does not fit as a range error.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The transaction, not signed yet. */
export function compile(
  draft: Draft,
  payer: PublicKey,
  budget: ComputeBudget,
  blockhash: string,
): VersionedTransaction {
  const message = new TransactionMessage({
    payerKey: payer,
    recentBlockhash: blockhash,
    instructions: [
      ComputeBudgetProgram.setComputeUnitLimit({ units: budget.unitLimit }),
      ComputeBudgetProgram.setComputeUnitPrice({ microLamports: budget.unitPrice }),
      ...draft.instructions,
    ],
  });
  return new VersionedTransaction(message.compileToLegacyMessage());
}

/** The program of each instruction, in the order in which errors count them. */
export function programsOf(transaction: VersionedTransaction): string[] {
  const { compiledInstructions, staticAccountKeys } = transaction.message;
  return compiledInstructions.map(({ programIdIndex }) => staticAccountKeys[programIdIndex]?.toBase58() ?? '');
}

/** Accounts that the transaction locks for writing; the market for them sets the priority fee. */
export function writableKeys({ message }: VersionedTransaction): PublicKey[] {
  return message.staticAccountKeys.filter((_, index) => message.isAccountWritable(index));
}
