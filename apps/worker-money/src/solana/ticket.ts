import type { JobPayload } from '@queue-service/contracts';
import { getAssociatedTokenAddressSync, TOKEN_2022_PROGRAM_ID } from '@solana/spl-token';
import { type Keypair, PublicKey } from '@solana/web3.js';
import { ticketKeypair } from './derived-keys.ts';

/** What is to be minted. It is stored with the effect, so a repeat means the same ticket whatever has changed since. */
export type TicketOrder = {
  jobId: string;
  /** Base58. Stored, because after a change of the mint authority it could no longer be derived. */
  mintAddress: string;
  ownerWallet: string;
  name: string;
  symbol: string;
  uri: string;
  attributes: Record<string, string>;
  transferable: boolean;
  /** The event's collection, or null for a ticket on its own. */
  collection: { tenantId: string; eventId: string } | null;
};

/** A ticket that is on the chain. */
export type MintReceipt = { mintAddress: string; tokenAccount: string; signature: string; slot: number };

export interface OrderContext {
  jobId: string;
  tenantId: string;
  authority: Keypair;
  /** Whether the tickets of an event are members of a collection. */
  collections: boolean;
}

export function ticketOrder(
  payload: JobPayload<'nft-mint'>,
  { jobId, tenantId, authority, collections }: OrderContext,
): TicketOrder {
  const { name, symbol, uri, attributes = {} } = payload.metadata;
  return {
    jobId,
    mintAddress: ticketKeypair(authority, jobId).publicKey.toBase58(),
    ownerWallet: payload.ownerWallet,
    name,
    symbol,
    uri,
    attributes,
    transferable: payload.transferable,
    collection: collections ? { tenantId, eventId: payload.eventId } : null,
  };
}

/** The attributes in the order in which they go on the chain; a stored order has its keys in no order to rely on. */
export function attributesInOrder({ attributes }: Pick<TicketOrder, 'attributes'>): [key: string, value: string][] {
  return Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The owner's associated token account. A wallet may be a program's address (a multisig), so it need not be a key. */
export function tokenAccountOf(order: TicketOrder): PublicKey {
  return getAssociatedTokenAddressSync(
    new PublicKey(order.mintAddress),
    new PublicKey(order.ownerWallet),
    true,
    TOKEN_2022_PROGRAM_ID,
  );
}
