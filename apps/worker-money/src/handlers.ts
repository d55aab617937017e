import { findOwnerOfEffect, findPaymentOfJob, mayPayAccount } from '@queue-service/persistence';
import type { Handlers, Runtime } from '@queue-service/queue';
import type { Stripe } from 'stripe';
import { openBooks } from './books.ts';
import { createNftMint } from './jobs/nft-mint.ts';
import { createPaymentProcess } from './jobs/payment-process.ts';
import { createPayoutProcess } from './jobs/payout-process.ts';
import { createReconcileBooks } from './jobs/reconcile-books.ts';
import { createRefundProcess } from './jobs/refund-process.ts';
import { keepReconciliation } from './keep-reconciliation.ts';
import type { Minter } from './solana/minter.ts';
import type { RpcNodes } from './solana/rpc-nodes.ts';
import { systemClock } from './stripe/clock.ts';
import { lookupPolicy } from './stripe/lookup.ts';

/** The handlers of the money fleet; what a refund must know of payments it reads from the ledger. */
export function createMoneyHandlers({
  runtime,
  stripe,
  nodes,
  minter,
  stripeTimeoutMs,
  onLow,
}: {
  runtime: Runtime;
  stripe: Stripe;
  /** Of the client above: how long a request that it gave up may be under way follows from it. */
  stripeTimeoutMs: number;
  nodes: RpcNodes;
  minter: Minter;
  /** Told when a mint must wait for lamports. */
  onLow?: () => Promise<void>;
}): Handlers<'money'> {
  const accounts = { mayPay: (job: Parameters<typeof mayPayAccount>[1]) => mayPayAccount(runtime.db, job) };
  const ownerOf = (paymentIntentId: string) => findOwnerOfEffect(runtime.db, 'stripe', paymentIntentId);
  const parts = { stripe, clock: systemClock, accounts, policy: lookupPolicy(stripeTimeoutMs) };
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
      ownerOf,
    }),
    'payout-process': createPayoutProcess({ ...parts, ownerOf }),
    'nft-mint': createNftMint({ minter, ...(onLow && { onLow }) }),
    'reconcile-books': createReconcileBooks({
      books: openBooks({ db: runtime.db, stripe, nodes, authority: minter.authority }),
      keep: (reconciliation) => keepReconciliation(runtime.db, reconciliation),
    }),
  };
}
