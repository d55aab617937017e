import type { Keypair, TransactionInstruction } from '@solana/web3.js';

/** Instructions that must be in one transaction. */
export interface Step {
  instructions: TransactionInstruction[];
  /** Who signs besides the mint authority. */
  signers: Keypair[];
  /** Shares no transaction with others. */
  alone?: boolean;
  /** Gives the ticket to its owner. */
  completes?: boolean;
}
