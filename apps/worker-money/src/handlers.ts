import { findOwnerOfEffect, findPaymentOfJob } from '@queue-service/persistence';
import type { Handlers, Runtime } from '@queue-service/queue';
import type { Stripe } from 'stripe';
import { createNftMint } from './jobs/nft-mint.ts';
import { createPaymentProcess } from './jobs/payment-process.ts';
import { createPayoutProcess } from './jobs/payout-process.ts';
import { createRefundProcess } from './jobs/refund-process.ts';
import type { Minter } from './solana/minter.ts';
import { systemClock } from './stripe/clock.ts';

/** The handlers of the money fleet; what a refund must know of payments it reads from the ledger. */
export function createMoneyHandlers({
  runtime,
  stripe,
  minter,
}: {
  runtime: Runtime;
  stripe: Stripe;
  minter: Minter;
}): Handlers<'money'> {
  const parts = { stripe, clock: systemClock };
  return {
    'payment-process': createPaymentProcess(parts),
    'refund-process': createRefundProcess({
      ...parts,
      findPayment: async (jobId, tenantId) => {
        const job = await findPaymentOfJob(runtime.db, jobId, tenantId);
        if (job === null) return null;
        if (job.status === 'pending' || job.status === 'processing') return 'unfinished';
        return job.paymentIntentId === null ? null : { paymentIntentId: job.paymentIntentId };
      },
      ownerOf: (paymentIntentId) => findOwnerOfEffect(runtime.db, 'stripe', paymentIntentId),
    }),
    'payout-process': createPayoutProcess(parts),
    'nft-mint': createNftMint({ minter }),
  };
}
