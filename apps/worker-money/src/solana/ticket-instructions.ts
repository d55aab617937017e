import {
  AuthorityType,
  createAssociatedTokenAccountIdempotentInstruction,
  createInitializeGroupMemberPointerInstruction,
  createInitializeMetadataPointerInstruction,
  createInitializeMint2Instruction,
  createInitializeNonTransferableMintInstruction,
  createMintToInstruction,
  createSetAuthorityInstruction,
  TOKEN_2022_PROGRAM_ID,
} from '@solana/spl-token';
import { createInitializeMemberInstruction } from '@solana/spl-token-group';
import {
  createInitializeInstruction,
  createUpdateFieldInstruction,
  Field,
  type TokenMetadata,
} from '@solana/spl-token-metadata';
import { PublicKey, SystemProgram, type TransactionInstruction } from '@solana/web3.js';
import { type AddressOnChain, createMintAccount, rentOf } from './create-account.ts';
import type { MintKeys } from './derived-keys.ts';
import { ticketSize } from './mint-size.ts';
import type { Step } from './step.ts';
import { attributesInOrder, type TicketOrder, tokenAccountOf } from './ticket.ts';

const programId = TOKEN_2022_PROGRAM_ID;

/** UTF-8 bytes of name, symbol and URI that go into one transaction together; above it the URI follows by itself. */
const MOST_METADATA_BYTES = 800;

/**
 * Creates the mint and makes it ours in one transaction: an account that belongs to the token program and is not
 * initialized could be taken by anybody. The pointers get no authority, so they point at the mint itself for ever.
 */
export function createTicket(order: TicketOrder, { authority, ticket }: MintKeys, chain: AddressOnChain): Step {
  const mint = ticket.publicKey;
  const size = ticketSize(order, authority.publicKey);
  const instructions = [
    ...createMintAccount({ payer: authority.publicKey, address: mint, size, chain }),
    createInitializeMetadataPointerInstruction(mint, null, mint, programId),
  ];
  if (order.collection) instructions.push(createInitializeGroupMemberPointerInstruction(mint, null, mint, programId));
  if (!order.transferable) instructions.push(createInitializeNonTransferableMintInstruction(mint, programId));
  instructions.push(createInitializeMint2Instruction(mint, 0, authority.publicKey, null, programId));
  return { instructions, signers: [ticket] };
}

/** Of use only if rent has risen since the mint was created. */
export function topUpRent(order: TicketOrder, { authority, ticket }: MintKeys, chain: AddressOnChain): Step[] {
  const missing = rentOf(ticketSize(order, authority.publicKey).full, chain.lamportsPerByte) - chain.lamports;
  if (missing <= 0) return [];
  const transfer = SystemProgram.transfer({
    fromPubkey: authority.publicKey,
    toPubkey: ticket.publicKey,
    lamports: missing,
  });
  return [{ instructions: [transfer], signers: [] }];
}

/** Brings the metadata on the chain to what was ordered. Writing a field again changes nothing, so it may be repeated. */
export function describeTicket(order: TicketOrder, keys: MintKeys, present: TokenMetadata | null): Step[] {
  const steps: Step[] = [];
  const known = present ?? { ...initialMetadata(order), additionalMetadata: [] };
  if (!present) steps.push(step(initializeMetadata(keys, initialMetadata(order))));
  if (known.name !== order.name) steps.push(step(writeField(keys, Field.Name, order.name)));
  if (known.symbol !== order.symbol) steps.push(step(writeField(keys, Field.Symbol, order.symbol)));
  if (known.uri !== order.uri) steps.push(step(writeField(keys, Field.Uri, order.uri)));
  const written = new Map(known.additionalMetadata);
  for (const [key, value] of attributesInOrder(order)) {
    if (written.get(key) !== value) steps.push(step(writeField(keys, key, value)));
  }
  return steps;
}

/** The group's update authority, which is the mint authority, must agree. */
export function joinCollection({ authority, ticket }: MintKeys, group: PublicKey): Step {
  const member = ticket.publicKey;
  const memberMintAuthority = authority.publicKey;
  return step(
    createInitializeMemberInstruction({
      programId,
      member,
      memberMint: member,
      memberMintAuthority,
      group,
      groupUpdateAuthority: memberMintAuthority,
    }),
  );
}

/** The one ticket to its owner, and the end of minting, which are one thing or nothing. */
export function giveTicket(order: TicketOrder, { authority, ticket }: MintKeys): Step {
  const mint = ticket.publicKey;
  const owner = new PublicKey(order.ownerWallet);
  const account = tokenAccountOf(order);
  return {
    instructions: [
      createAssociatedTokenAccountIdempotentInstruction(authority.publicKey, account, owner, mint, programId),
      createMintToInstruction(mint, account, authority.publicKey, 1n, [], programId),
      createSetAuthorityInstruction(mint, authority.publicKey, AuthorityType.MintTokens, null, [], programId),
    ],
    signers: [],
  };
}

type Texts = Pick<TicketOrder, 'name' | 'symbol' | 'uri'>;

function initialMetadata({ name, symbol, uri }: TicketOrder): Texts {
  const bytes = Buffer.byteLength(name) + Buffer.byteLength(symbol) + Buffer.byteLength(uri);
  return { name, symbol, uri: bytes > MOST_METADATA_BYTES ? '' : uri };
}

function initializeMetadata({ authority, ticket }: MintKeys, texts: Texts): TransactionInstruction {
  const mint = ticket.publicKey;
  const key = authority.publicKey;
  return createInitializeInstruction({
    programId,
    metadata: mint,
    mint,
    mintAuthority: key,
    updateAuthority: key,
    ...texts,
  });
}

function writeField({ authority, ticket }: MintKeys, field: Field | string, value: string): TransactionInstruction {
  return createUpdateFieldInstruction({
    programId,
    metadata: ticket.publicKey,
    updateAuthority: authority.publicKey,
    field,
    value,
  });
}

function step(instruction: TransactionInstruction): Step {
  return { instructions: [instruction], signers: [] };
}
