import { type JobPayload, type JobResult, PermanentError, second } from '@queue-service/contracts';
import { type Handler, type JobContext, type Snooze, snooze } from '@queue-service/queue';
import type { Stripe } from 'stripe';
import { cancelEffect } from '../stripe/cancel.ts';
import type { Clock } from '../stripe/clock.ts';
import { checkAmount } from '../stripe/currency.ts';
import { defaultLookup, type LookupPolicy, type Mark } from '../stripe/lookup.ts';
import {
  type RefundablePayment,
  type RefundRequest,
  type RefundView,
  readRefund,
  readRefundable,
  refundEffect,
} from '../stripe/refund.ts';
import { defaultSettle, lookAgain, type SettlePolicy } from '../stripe/settle.ts';

export interface RefundProcessOptions {
  stripe: Stripe;
  clock: Clock;
  /** The payment that a payment-process job of this tenant made; `unfinished` while that job runs. */
  findPayment(jobId: string, tenantId: string): Promise<{ paymentIntentId: string } | 'unfinished' | null>;
  /** The tenant whose job made this payment, by the ledger; null when the ledger does not know it. */
  ownerOf(paymentIntentId: string): Promise<string | null>;
  /** The tenant that may refund payments which were not made through this service. */
  platformTenantId?: string;
  lookup?: Partial<LookupPolicy>;
  settle?: { unsettledPayment?: SettlePolicy; refund?: SettlePolicy };
}

type Payload = JobPayload<'refund-process'>;
type Result = JobResult<'refund-process'>;

const unfinishedPaymentPollMs = 15 * second;

/** Gives money back, then waits until it has arrived or came back. */
export function createRefundProcess(options: RefundProcessOptions): Handler<'refund-process'> {
  const { stripe, clock } = options;
  const tools = { policy: { ...defaultLookup, ...options.lookup }, clock };
  const settle = { unsettledPayment: defaultSettle.processing, refund: defaultSettle.refund, ...options.settle };
  const platform = options.platformTenantId ?? 'platform';

  /** @throws PermanentError `payment_not_found`, also for somebody else's payment: that it exists is not told */
  async function paymentOf(payload: Payload, tenantId: string): Promise<string | 'unfinished'> {
    const named =
      payload.paymentJobId === undefined
        ? { paymentIntentId: payload.paymentIntentId as string }
        : await options.findPayment(payload.paymentJobId, tenantId);
    if (named === 'unfinished') return named;
    const owner = named === null ? null : ((await options.ownerOf(named.paymentIntentId)) ?? platform);
    if (named === null || owner !== tenantId) throw notFound(payload);
    return named.paymentIntentId;
  }

  /** The payment has no money yet. It is waited for, and at the deadline prevented where all of it was to be given back. */
  async function awaitPayment({ payment }: RefundablePayment, payload: Payload, ctx: JobContext): Promise<Snooze> {
    if (payment.failure !== null || payment.status === 'canceled') {
      throw new PermanentError({
        code: 'payment_not_settled',
        message: 'The payment was not made, so there is nothing to give back',
      });
    }
    const wait = lookAgain(settle.unsettledPayment, payment.created, clock.now(), `payment is ${payment.status}`);
    if (wait !== null) return wait;
    if (payload.amount === undefined) {
      try {
        await ctx.effect(
          'cancel',
          cancelEffect(stripe, { payment_intent: payment.id, cancellation_reason: 'requested_by_customer' }),
        );
      } catch (error) {
        if (!(error instanceof PermanentError) || error.code !== 'payment_intent_unexpected_state') throw error;
        // The bank is at work on it: the money may come, and then it must go back.
        ctx.log.warn(
          { paymentIntentId: payment.id, status: payment.status },
          'payment to refund is past its deadline and cannot be canceled',
        );
        return snooze(settle.unsettledPayment.pollMaxMs, `payment is ${payment.status}, past its deadline`);
      }
    }
    const how = payload.amount === undefined ? 'and was canceled instead' : 'and a part of it cannot be given back';
    throw new PermanentError({
      code: 'payment_not_settled',
      message: `The payment was still ${payment.status} at the deadline ${how}`,
    });
  }

  function ending(refund: RefundView): Result | Snooze {
    const { id: refundId, paymentIntentId, status, amount, currency } = refund;
    if (status === 'succeeded') return { refundId, paymentIntentId, status, amount, currency };
    if (status === 'failed' || status === 'canceled') {
      const reason = refund.failureReason === null ? '' : ` (${refund.failureReason})`;
      throw new PermanentError({
        code: 'refund_failed',
        message: `Refund ${refundId} ended as ${status}${reason}; the money is back at Stripe`,
      });
    }
    const wait = lookAgain(settle.refund, refund.created, clock.now(), `refund is ${status}`);
    if (wait !== null) return wait;
    // Stripe has no way to take it back, so it may still arrive; a person must look.
    throw new PermanentError({
      code: 'refund_failed',
      message: `Refund ${refundId} is still ${status} at its deadline`,
    });
  }

  return async (payload, ctx) => {
    const paymentIntentId = await paymentOf(payload, ctx.tenantId);
    if (paymentIntentId === 'unfinished') return snooze(unfinishedPaymentPollMs, 'payment job is not finished');
    const mark = { queue_job_id: ctx.jobId, queue_effect: 'refund' };
    const refundable = await readRefundable(stripe, paymentIntentId, mark, ctx.signal);
    if (refundable === null) throw notFound(payload);
    if (refundable.payment.status !== 'succeeded') return awaitPayment(refundable, payload, ctx);

    const amount = amountOf(payload, refundable);
    const { currency } = refundable.payment;
    const request = refundRequest(payload, paymentIntentId, amount, refundable, mark);
    const effect = await ctx.effect('refund', refundEffect(stripe, request, currency, tools));
    const settled = effect.response.status === 'succeeded';
    return ending(settled ? effect.response : await readRefund(stripe, effect.response.id, ctx.signal));
  };
}

function notFound(payload: Payload): PermanentError {
  const field = payload.paymentJobId === undefined ? 'paymentIntentId' : 'paymentJobId';
  return new PermanentError({ code: 'payment_not_found', message: `${field}: names no payment of this tenant` });
}

/**
 * Decided before the first send and stored with it. Later runs come by here too, so what this job has given back
 * itself is not counted: otherwise a repeat would find nothing left of a payment that it has just refunded.
 */
function amountOf(payload: Payload, { left, made, payment }: RefundablePayment): number {
  if (made) return payload.amount ?? left;
  if (left <= 0) throw new PermanentError({ code: 'already_refunded', message: 'Nothing is left of the payment' });
  const amount = payload.amount ?? left;
  if (amount > left) {
    throw new PermanentError({
      code: 'refund_exceeds_payment',
      message: `amount: ${amount} is more than the ${left} that are left of the payment`,
    });
  }
  checkAmount(amount, payment.currency, 'charge');
  return amount;
}

const stripeReasons = ['duplicate', 'fraudulent', 'requested_by_customer'] as const;

function refundRequest(
  payload: Payload,
  paymentIntentId: string,
  amount: number,
  payment: RefundablePayment,
  mark: Mark,
): RefundRequest {
  const known = stripeReasons.find((reason) => reason === payload.reason);
  return {
    payment_intent: paymentIntentId,
    amount,
    // Stripe knows three reasons; the others are kept with the refund all the same.
    ...(known === undefined ? {} : { reason: known }),
    metadata: {
      ...(payload.reason === undefined || known !== undefined ? {} : { queue_reason: payload.reason }),
      ...mark,
    },
    // Of a destination charge the platform would otherwise pay the refund while the venue keeps the money.
    ...(payment.destination ? { reverse_transfer: true as const } : {}),
    ...(payment.destination && payment.applicationFee ? { refund_application_fee: true as const } : {}),
  };
}
