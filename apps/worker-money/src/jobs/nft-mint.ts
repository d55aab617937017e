import type { Handler } from '@queue-service/queue';
import { mintEffect } from '../solana/mint-effect.ts';
import type { Minter } from '../solana/minter.ts';
import { ticketOrder } from '../solana/ticket.ts';

export interface NftMintOptions {
  minter: Minter;
  /** Whether the tickets of an event are members of a collection; default true. */
  collections?: boolean;
}

/** Mints a ticket into its owner's wallet. The job is over when the chain has confirmed it. */
export function createNftMint({ minter, collections = true }: NftMintOptions): Handler<'nft-mint'> {
  return async (payload, ctx) => {
    const { jobId, tenantId } = ctx;
    const order = ticketOrder(payload, { jobId, tenantId, authority: minter.authority, collections });
    const { response } = await ctx.effect('mint', mintEffect(minter, order));
    return response;
  };
}
