import { hkdfSync } from 'node:crypto';
import { Keypair } from '@solana/web3.js';
import type { TicketOrder } from './ticket.ts';

/** Changing it changes every address, and would let a job in flight mint a second ticket. */
const SALT = 'queue-service/solana/v1';

/**
 * The key pair of a job's ticket. It follows from the job and the mint authority's secret alone, so every attempt aims
 * at one address, and a second mint of the same ticket cannot exist. Nobody else can know the address beforehand.
 */
export function ticketKeypair(authority: Keypair, jobId: string): Keypair {
  return derive(authority, ['ticket', jobId]);
}

/** The key pair of an event's collection. Event ids are a tenant's own; two tenants may use the same. */
export function collectionKeypair(authority: Keypair, tenantId: string, eventId: string): Keypair {
  return derive(authority, ['collection', tenantId, eventId]);
}

/** HKDF-SHA256 (RFC 5869). The parts are written as JSON so that no two lists of them read the same. */
function derive(authority: Keypair, parts: readonly string[]): Keypair {
  const seed = hkdfSync('sha256', authority.secretKey.subarray(0, 32), SALT, JSON.stringify(parts), 32);
  return Keypair.fromSeed(new Uint8Array(seed));
}

/** The keys that a mint is made with. */
export interface MintKeys {
  authority: Keypair;
  ticket: Keypair;
  collection: Keypair | null;
}

export function mintKeys(
  authority: Keypair,
  { jobId, collection }: Pick<TicketOrder, 'jobId' | 'collection'>,
): MintKeys {
  return {
    authority,
    ticket: ticketKeypair(authority, jobId),
    collection: collection && collectionKeypair(authority, collection.tenantId, collection.eventId),
  };
}
