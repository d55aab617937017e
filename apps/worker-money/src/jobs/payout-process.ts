import { type JobPayload, type JobResult, PermanentError, platformTenant } from '@queue-service/contracts';
import type { Handler, JobContext, Snooze } from '@queue-service/queue';
import type { Stripe } from 'stripe';
import { type Accounts, requireAllowed } from '../accounts.ts';
import { readIfThere } from '../stripe/call.ts';
import type { Clock } from '../stripe/clock.ts';
import { checkAmount } from '../stripe/currency.ts';
import { defaultLookup, type LookupPolicy } from '../stripe/lookup.ts';
import { type PayoutRequest, type PayoutView, payoutEffect, readPayout } from '../stripe/payout.ts';
import { defaultSettle, lookAgain, type SettlePolicy } from '../stripe/settle.ts';
import { type TransferRequest, transferEffect } from '../stripe/transfer.ts';

export interface PayoutProcessOptions {
  stripe: Stripe;
  clock: Clock;
  accounts: Accounts;
  /** The tenant whose job made this payment, by the ledger; null when the ledger does not know it. */
  ownerOf(paymentIntentId: string): Promise<string | null>;
  lookup?: Partial<LookupPolicy>;
  settle?: SettlePolicy;
}

type Payload = JobPayload<'payout-process'>;
type Result = JobResult<'payout-process'>;

/**
 * Pays a venue. A transfer is over when it is made. A payout is over when the bank has the money: a job that is
 * completed while the money is under way would have to be uncompleted when it comes back.
 */
export function createPayoutProcess(options: PayoutProcessOptions): Handler<'payout-process'> {
  const { stripe, clock } = options;
  const tools = { policy: { ...defaultLookup, ...options.lookup }, clock };
  const settle = options.settle ?? defaultSettle.payout;

  function ending(payout: PayoutView, payload: Payload): Result | Snooze {
    const { id, status, amount, currency } = payout;
    switch (status) {
      case 'paid':
        return { id, mode: 'payout', status, amount, currency, destinationAccountId: payload.destinationAccountId };
      case 'failed':
        throw new PermanentError({
          code: 'payout_failed',
          message: `Payout ${id} failed (${payout.failureCode ?? 'no reason given'}); the money is back in the account's balance`,
        });
      case 'canceled':
        throw new PermanentError({ code: 'payout_canceled', message: `Payout ${id} was canceled at Stripe` });
    }
    const wait = lookAgain(settle, payout.created, clock.now(), `payout is ${status}`);
    if (wait !== null) return wait;
    // Not canceled: one that is on its way cannot be, and one that is held is held by Stripe for a reason.
    throw new PermanentError({
      code: 'payout_not_settled_in_time',
      message: `Payout ${id} is still ${status} at its deadline and may yet arrive; look at it at Stripe`,
    });
  }

  /** The money of somebody else's charge is not this tenant's to pay out. */
  async function requireOwnCharge({ sourceTransaction: source }: Payload, ctx: JobContext): Promise<void> {
    if (source === undefined || ctx.tenantId === platformTenant) return;
    const charge = await readIfThere(ctx.signal, () => stripe.charges.retrieve(source));
    const intent = typeof charge?.payment_intent === 'string' ? charge.payment_intent : charge?.payment_intent?.id;
    if (intent !== undefined && (await options.ownerOf(intent)) === ctx.tenantId) return;
    throw new PermanentError({
      code: 'payment_not_found',
      message: 'sourceTransaction: names no charge of a payment of this tenant',
    });
  }

  return async (payload, ctx) => {
    const currency = payload.currency.toLowerCase();
    await requireAllowed(options.accounts, 'destinationAccountId', payload.destinationAccountId, ctx);
    if (payload.mode === 'transfer') {
      checkAmount(payload.amount, currency, 'charge');
      await requireOwnCharge(payload, ctx);
      const { response } = await ctx.effect(
        'transfer',
        transferEffect(stripe, transferRequest(payload, ctx.jobId), tools),
      );
      return { ...response, mode: 'transfer', status: 'paid', destinationAccountId: payload.destinationAccountId };
    }
    refuseTransferFields(payload);
    checkAmount(payload.amount, currency, 'payout');
    const request: PayoutRequest = {
      account: payload.destinationAccountId,
      params: { amount: payload.amount, currency, metadata: { queue_job_id: ctx.jobId, queue_effect: 'payout' } },
    };
    const { response } = await ctx.effect('payout', payoutEffect(stripe, request, tools));
    const payout =
      response.status === 'paid'
        ? response
        : await readPayout(stripe, payload.destinationAccountId, response.id, ctx.signal);
    return ending(payout, payload);
  };
}

function transferRequest(payload: Payload, jobId: string): TransferRequest {
  return {
    amount: payload.amount,
    currency: payload.currency.toLowerCase(),
    destination: payload.destinationAccountId,
    metadata: { queue_job_id: jobId, queue_effect: 'transfer' },
    ...(payload.sourceTransaction === undefined ? {} : { source_transaction: payload.sourceTransaction }),
    ...(payload.transferGroup === undefined ? {} : { transfer_group: payload.transferGroup }),
  };
}

/** Dropped silently, they would make a payout look as if it had been made of a certain charge's money. */
function refuseTransferFields(payload: Payload): void {
  const field =
    payload.sourceTransaction !== undefined
      ? 'sourceTransaction'
      : payload.transferGroup !== undefined
        ? 'transferGroup'
        : null;
  if (field === null) return;
  throw new PermanentError({
    code: 'invalid_request',
    message: `${field}: has no meaning for mode payout, only for mode transfer`,
  });
}
