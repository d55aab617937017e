import { type JobPayload, type JobResult, PermanentError } from '@queue-service/contracts';
import { type Handler, type JobContext, type Snooze, snooze } from '@queue-service/queue';
import type { Stripe } from 'stripe';
import { type Accounts, requireAllowed } from '../accounts.ts';
import { cancelEffect } from '../stripe/cancel.ts';
import { type ChargeRequest, type ChargeView, chargeEffect, readCharge } from '../stripe/charge.ts';
import type { Clock } from '../stripe/clock.ts';
import { checkAmount } from '../stripe/currency.ts';
import { defaultLookup, type LookupPolicy } from '../stripe/lookup.ts';
import { defaultSettle, lookAgain, type SettlePolicy } from '../stripe/settle.ts';

export interface PaymentProcessOptions {
  stripe: Stripe;
  clock: Clock;
  accounts: Accounts;
  lookup?: Partial<LookupPolicy>;
  settle?: { action?: SettlePolicy; processing?: SettlePolicy };
}

type Payload = JobPayload<'payment-process'>;
type Result = JobResult<'payment-process'>;

/** Charges, then waits until the money is there or will not come. */
export function createPaymentProcess(options: PaymentProcessOptions): Handler<'payment-process'> {
  const { stripe, clock } = options;
  const tools = { policy: { ...defaultLookup, ...options.lookup }, clock };
  const settle = { action: defaultSettle.action, processing: defaultSettle.processing, ...options.settle };

  async function cancelUnpaid(payment: ChargeView, ctx: JobContext): Promise<Result | Snooze> {
    try {
      await ctx.effect(
        'cancel',
        cancelEffect(stripe, { payment_intent: payment.id, cancellation_reason: 'abandoned' }),
      );
    } catch (error) {
      if (!(error instanceof PermanentError) || error.code !== 'payment_intent_unexpected_state') throw error;
      const now = await readCharge(stripe, payment.id, ctx.signal);
      const ended = endOf(now);
      if (ended !== null) return ended;
      // The bank still has it and Stripe does not let go of it. As long as money may come, the job may not end: a failed
      // job whose money arrives is money that nobody looks for.
      ctx.log.warn(
        { paymentIntentId: payment.id, status: now.status },
        'payment is past its deadline and cannot be canceled',
      );
      return snooze(settle.processing.pollMaxMs, `payment is ${now.status}, past its deadline`);
    }
    throw new PermanentError({
      code: 'payment_not_settled_in_time',
      message: `The payment was still ${payment.status} at its deadline and was canceled`,
    });
  }

  return async (payload, ctx) => {
    checkAmount(payload.amount, payload.currency, 'charge');
    const { connectedAccountId: venue } = payload;
    if (venue !== undefined) await requireAllowed(options.accounts, 'connectedAccountId', venue, ctx);
    const effect = await ctx.effect('charge', chargeEffect(stripe, chargeRequest(payload, ctx.jobId), tools));
    // What was answered then may be old by now.
    const payment =
      effect.response.status === 'succeeded'
        ? effect.response
        : await readCharge(stripe, effect.response.id, ctx.signal);
    const ended = endOf(payment);
    if (ended !== null) return ended;
    const policy = payment.status === 'processing' ? settle.processing : settle.action;
    return (
      lookAgain(policy, payment.created, clock.now(), `payment is ${payment.status}`) ?? cancelUnpaid(payment, ctx)
    );
  };
}

/**
 * The result of a payment that is made; null while that is open: `processing`, `requires_action`, and the states in
 * which a request that failed half-way may leave an intent (`requires_confirmation`, `requires_capture`). All of
 * them end at their deadline by a cancel.
 * @throws PermanentError when it will not be made
 */
function endOf(payment: ChargeView): Result | null {
  if (payment.status === 'succeeded') {
    const { id, status, amount, currency, chargeId } = payment;
    return { paymentIntentId: id, status, amount, currency, chargeId };
  }
  if (payment.failure !== null) throw new PermanentError(payment.failure);
  if (payment.status === 'canceled')
    throw new PermanentError({ code: 'payment_canceled', message: 'The payment was canceled at Stripe' });
  return null;
}

function chargeRequest(payload: Payload, jobId: string): ChargeRequest {
  const { connectedAccountId: venue } = payload;
  return {
    amount: payload.amount,
    currency: payload.currency.toLowerCase(),
    confirm: true,
    off_session: true,
    automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    metadata: { ...payload.metadata, order_id: payload.orderId, queue_job_id: jobId, queue_effect: 'charge' },
    ...(payload.customerId === undefined ? {} : { customer: payload.customerId }),
    ...(payload.paymentMethodId === undefined ? {} : { payment_method: payload.paymentMethodId }),
    ...(payload.description === undefined ? {} : { description: payload.description }),
    // A destination charge: the platform charges, the venue gets the money less the fee and is the merchant of record.
    ...(venue === undefined ? {} : { transfer_data: { destination: venue }, on_behalf_of: venue }),
    // Stripe takes no fee of 0; none is the same.
    ...(payload.applicationFeeAmount ? { application_fee_amount: payload.applicationFeeAmount } : {}),
  };
}
