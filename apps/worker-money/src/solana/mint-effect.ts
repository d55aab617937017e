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
        // Not "pending" while a stored transaction can still land: `send` is needed to send its bytes again, and signs
        // no other before that one has expired.
        case 'absent':
          return { state: 'absent' };
        case 'unclear':
          return { state: 'unclear', reason: found.reason };
      }
    },
  };
}
