import { PermanentError } from '@queue-service/contracts';
import { findGivenOut } from './given-out.ts';
import type { RpcNodes } from './rpc-nodes.ts';
import { type MintReceipt, type TicketOrder, tokenAccountOf } from './ticket.ts';

/**
 * Finds the transaction that gave the ticket out, on the chain alone. Needed only when the signature was lost or is not
 * known to be ours: when the ledger was restored from a backup, say.
 * @throws PermanentError `mint_conflict` when it went to somebody else
 * @throws RetryableError when the nodes keep no history that goes back so far
 */
export async function findReceipt(nodes: RpcNodes, order: TicketOrder): Promise<MintReceipt> {
  const given = await nodes.first((connection) => findGivenOut(connection, order.mintAddress));
  if (given.owner === order.ownerWallet) return receiptOf(order, given);
  throw new PermanentError({ code: 'mint_conflict', message: 'The ticket was given to another wallet than ordered' });
}

export function receiptOf(order: TicketOrder, { signature, slot }: { signature: string; slot: number }): MintReceipt {
  return { mintAddress: order.mintAddress, tokenAccount: tokenAccountOf(order).toBase58(), signature, slot };
}
