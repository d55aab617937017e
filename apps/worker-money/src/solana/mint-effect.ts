import { RetryableError } from '@queue-service/contracts';
import type { EffectSpec } from '@queue-service/queue';
import type { Minter } from './minter.ts';
import { readMemo } from './signed-transaction.ts';
import type { MintReceipt, TicketOrder } from './ticket.ts';

/** The mint of one ticket as an effect: what is stored before a transaction leaves is the signed transaction. */
export function mintEffect(minter: Minter, order: TicketOrder): EffectSpec<TicketOrder, MintReceipt> {
  return {
    provider: 'solana',
    operation: 'tokens.mint',
    request: order,

    async send(stored, call) {
      const receipt = await minter.mint(stored, {
        memo: readMemo(call.memo),
        remember: call.remember,
        signal: call.signal,
      });
      return { providerId: receipt.mintAddress, response: receipt };
    },

    async find(stored, open) {
      const found = await minter.find(stored, readMemo(open.memo));
      switch (found.state) {
        case 'done':
          return { state: 'done', providerId: found.receipt.mintAddress, response: found.receipt };
        // `send` sends the stored bytes again, and signs no others before these have expired.
        case 'in_flight':
          return { state: 'absent_now' };
        case 'absent':
          return { state: 'absent_for_good' };
        case 'unclear':
          return { state: 'unclear', reason: found.reason };
      }
    },

    // The chain itself remembers: the ticket's address follows from the job.
    async recall(stored) {
      const found = await minter.find(stored, null);
      if (found.state === 'done') return { providerId: found.receipt.mintAddress, response: found.receipt };
      if (found.state !== 'unclear') return null;
      throw new RetryableError({ code: 'outcome_unclear', message: found.reason });
    },
  };
}
