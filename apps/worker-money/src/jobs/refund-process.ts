import { DeferredError, type JobPayload, PermanentError, second } from '@queue-service/contracts';
import type { EffectOrder, Handler, JobContext } from '@queue-service/queue';
import { type ChargeTools, fenceIntent } from '../stripe/charge.ts';
import { checkAmount } from '../stripe/currency.ts';
import type { Mark } from '../stripe/lookup.ts';
import {
  type RefundablePayment,
  type RefundRequest,
  type RefundTools,
  readRefundable,
  refundAdapter,
} from '../stripe/refund.ts';
import { defaultSettle, lookAgainMs, type SettlePolicy } from '../stripe/settle.ts';

export interface RefundProcessOptions extends Pick<RefundTools, 'stripe' | 'clock' | 'policy'> {
  /** The payment that a payment-process job of this tenant made; `unfinished` while that job runs. */
  findPayment(jobId: string, tenantId: string): Promise<{ paymentIntentId: string } | 'unfinished' | null>;
  /** The tenant whose job made this payment, by the ledger; null when the ledger does not know it. */
  ownerOf(paymentIntentId: string): Promise<string | null>;
  /** The tenant that may refund payments which were not made through this service. */
  platformTenantId?: string;
  settle?: { unsettledPayment?: SettlePolicy; refund?: SettlePolicy };
}

type Payload = JobPayload<'refund-process'>;

const unfinishedPaymentPollMs = 15 * second;

/** Gives money back. The job is over when it has arrived, or came back. */
export function createRefundProcess(options: RefundProcessOptions): Handler<'refund-process'> {
  const { stripe, clock } = options;
  const settle = { unsettledPayment: defaultSettle.processing, refund: defaultSettle.refund, ...options.settle };
  const adapter = refundAdapter({ ...options, settle: settle.refund });
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
  async function awaitPayment({ payment }: RefundablePayment, payload: Payload, ctx: JobContext): Promise<never> {
    if (payment.failure !== null || payment.status === 'canceled') {
      throw new PermanentError({
        code: 'payment_not_settled',
        message: 'The payment was not made, so there is nothing to give back',
      });
    }
    const { unsettledPayment: policy } = settle;
    const reason = `payment is ${payment.status}`;
    const retryAfterMs = lookAgainMs(policy, payment.created, clock.now());
    if (retryAfterMs !== null) throw new DeferredError({ reason, retryAfterMs });
    if (payload.amount === undefined) {
      const charge: ChargeTools['settle'] = { action: policy, processing: policy };
      const fenced = await fenceIntent(payment.id, { stripe, clock, settle: charge }, ctx.signal);
      if (fenced.state !== 'absent_for_good') {
        // The bank is at work on it: the money may come, and then it must go back.
        ctx.log.warn(
          { paymentIntentId: payment.id, status: payment.status },
          'payment to refund is past its deadline and cannot be canceled',
        );
        throw new DeferredError({ reason: `${reason}, past its deadline`, retryAfterMs: policy.pollMaxMs });
      }
    }
    const how = payload.amount === undefined ? 'and was canceled instead' : 'and a part of it cannot be given back';
    throw new PermanentError({
      code: 'payment_not_settled',
      message: `The payment was still ${payment.status} at the deadline ${how}`,
    });
  }

  /** Everything that a refund is decided from; asked only while nothing has been sent. */
  async function prepare(payload: Payload, ctx: JobContext): Promise<EffectOrder<RefundRequest>> {
    const paymentIntentId = await paymentOf(payload, ctx.tenantId);
    if (paymentIntentId === 'unfinished') {
      throw new DeferredError({ reason: 'payment job is not finished', retryAfterMs: unfinishedPaymentPollMs });
    }
    const refundable = await readRefundable(stripe, paymentIntentId, ctx.signal);
    if (refundable === null) throw notFound(payload);
    if (refundable.payment.status !== 'succeeded') return awaitPayment(refundable, payload, ctx);
    const amount = amountOf(payload, refundable);
    const mark = { queue_job_id: ctx.jobId, queue_effect: 'refund' };
    return {
      request: refundRequest(payload, paymentIntentId, amount, refundable, mark),
      ...{ amount, currency: refundable.payment.currency },
    };
  }

  return async (payload, ctx) => {
    const { response } = await ctx.effect('refund', { ...adapter, prepare: () => prepare(payload, ctx) });
    const { id: refundId, paymentIntentId, status, amount, currency } = response;
    return { refundId, paymentIntentId, status, amount, currency };
  };
}

function notFound(payload: Payload): PermanentError {
  const field = payload.paymentJobId === undefined ? 'paymentIntentId' : 'paymentJobId';
  return new PermanentError({ code: 'payment_not_found', message: `${field}: names no payment of this tenant` });
}

/** Decided before the first send and stored with it. */
function amountOf(payload: Payload, { left, payment }: RefundablePayment): number {
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
