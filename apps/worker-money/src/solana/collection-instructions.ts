import {
  AuthorityType,
  createInitializeGroupPointerInstruction,
  createInitializeMetadataPointerInstruction,
  createInitializeMint2Instruction,
  createSetAuthorityInstruction,
  TOKEN_2022_PROGRAM_ID,
} from '@solana/spl-token';
import { createInitializeGroupInstruction } from '@solana/spl-token-group';
import { createInitializeInstruction } from '@solana/spl-token-metadata';
import type { Keypair, PublicKey } from '@solana/web3.js';
import { type AddressOnChain, createMintAccount } from './create-account.ts';
import { collectionSize } from './mint-size.ts';
import type { Step } from './step.ts';

/** A group that is full takes no more members; how many tickets an event has is not this service's to know. */
const UNLIMITED = 2n ** 64n - 1n;
const MOST_NAME_CHARACTERS = 64;

/**
 * Creates an event's collection: a mint without supply, and without mint authority, that is a group. Its metadata
 * follows from the event alone, so that every ticket of the event would make the same one.
 */
export function createCollection(
  eventId: string,
  authority: PublicKey,
  collection: Keypair,
  chain: AddressOnChain,
): Step {
  const programId = TOKEN_2022_PROGRAM_ID;
  const mint = collection.publicKey;
  const name = eventId.slice(0, MOST_NAME_CHARACTERS);
  const size = collectionSize(name, authority);
  const instructions = [
    ...createMintAccount({ payer: authority, address: mint, size, chain }),
    createInitializeMetadataPointerInstruction(mint, null, mint, programId),
    createInitializeGroupPointerInstruction(mint, null, mint, programId),
    createInitializeMint2Instruction(mint, 0, authority, null, programId),
    createInitializeGroupInstruction({
      programId,
      group: mint,
      mint,
      mintAuthority: authority,
      updateAuthority: authority,
      maxSize: UNLIMITED,
    }),
    createInitializeInstruction({
      programId,
      metadata: mint,
      mint,
      mintAuthority: authority,
      updateAuthority: authority,
      name,
      symbol: '',
      uri: '',
    }),
    createSetAuthorityInstruction(mint, authority, AuthorityType.MintTokens, null, [], programId),
  ];
  return { instructions, signers: [collection] };
}
