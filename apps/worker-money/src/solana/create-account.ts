import { TOKEN_2022_PROGRAM_ID } from '@solana/spl-token';
import { type PublicKey, SystemProgram, type TransactionInstruction } from '@solana/web3.js';
import type { MintSize } from './mint-size.ts';

/** What the header of an account counts for in its rent. */
const ACCOUNT_OVERHEAD_BYTES = 128;

/** What the chain says of an address and of rent. */
export interface AddressOnChain {
  /** What the address holds already. */
  lamports: number;
  /** What an account must hold for each of its bytes. */
  lamportsPerByte: number;
}

/** Lamports that an account of so many bytes must hold to stay. */
export function rentOf(bytes: number, lamportsPerByte: number): number {
  return (ACCOUNT_OVERHEAD_BYTES + bytes) * lamportsPerByte;
}

/** The price of a byte, as it follows from the rent of an account without data. */
export function lamportsPerByte(rentOfEmptyAccount: number): number {
  return Math.ceil(rentOfEmptyAccount / ACCOUNT_OVERHEAD_BYTES);
}

export interface NewAccount {
  payer: PublicKey;
  address: PublicKey;
  size: MintSize;
  chain: AddressOnChain;
}

/**
 * Creates an account for Token-2022 with the rent of its full size: the program appends metadata itself, and takes no
 * lamports for it. `createAccount` refuses an address that holds lamports, and anybody can send some to an address
 * they have seen in a failed transaction; such an account is made in three steps instead.
 */
export function createMintAccount({ payer, address, size, chain }: NewAccount): TransactionInstruction[] {
  const { lamports } = chain;
  const rent = rentOf(size.full, chain.lamportsPerByte);
  const programId = TOKEN_2022_PROGRAM_ID;
  if (lamports === 0) {
    return [
      SystemProgram.createAccount({
        fromPubkey: payer,
        newAccountPubkey: address,
        space: size.created,
        lamports: rent,
        programId,
      }),
    ];
  }
  return [
    ...(lamports < rent
      ? [SystemProgram.transfer({ fromPubkey: payer, toPubkey: address, lamports: rent - lamports })]
      : []),
    SystemProgram.allocate({ accountPubkey: address, space: size.created }),
    SystemProgram.assign({ accountPubkey: address, programId }),
  ];
}
