import { RateLimitedError } from '@queue-service/contracts';
import type { Handler } from '@queue-service/queue';
import { MINT_AUTHORITY_LOW } from '../solana/errors.ts';
import { mintEffect } from '../solana/mint-effect.ts';
import type { Minter } from '../solana/minter.ts';
import { ticketOrder } from '../solana/ticket.ts';

export interface NftMintOptions {
  minter: Minter;
  /** Whether the tickets of an event are members of a collection; default true. */
  collections?: boolean;
  /** Told when a job must wait for lamports. Never rejects. */
  onLow?: () => Promise<void>;
}

/** Mints a ticket into its owner's wallet. The job is over when the chain has confirmed it. */
export function createNftMint({ minter, collections = true, onLow }: NftMintOptions): Handler<'nft-mint'> {
  return async (payload, ctx) => {
    const { jobId, tenantId } = ctx;
    const order = ticketOrder(payload, { jobId, tenantId, authority: minter.authority, collections });
    try {
      return (await ctx.effect('mint', mintEffect(minter, order))).response;
    } catch (error) {
      if (error instanceof RateLimitedError && error.code === MINT_AUTHORITY_LOW) await onLow?.();
      throw error;
    }
  };
}
