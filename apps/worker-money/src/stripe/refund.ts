import { type JobError, PermanentError } from '@queue-service/contracts';
import type { EffectSpec } from '@queue-service/queue';
import { Stripe } from 'stripe';
import { ask, change, inOrder, read, readIfThere } from './call.ts';
import { type ChargeView, viewCharge } from './charge.ts';
import { isMarked, type LookupTools, lookThrough, type Mark, whenNotThere } from './lookup.ts';

/** Parameters of `refunds.create`. The amount, in minor units, is always there: "what is left" is decided once. */
export type RefundRequest = {
  payment_intent: string;
  amount: number;
  metadata: { [key: string]: string } & Mark;
  reason?: 'duplicate' | 'fraudulent' | 'requested_by_customer';
  /** Takes the venue's share back from the venue. */
  reverse_transfer?: true;
  refund_application_fee?: true;
};

export type RefundView = {
  id: string;
  paymentIntentId: string;
  status: string;
  amount: number;
  currency: string;
  /** Stripe's time stamp, seconds. */
  created: number;
  failureReason: string | null;
};

/** What a refund must know of the payment. */
export interface RefundablePayment {
  payment: ChargeView;
  /** Minor units not given back yet, where this job's own refund counts as not made. */
  left: number;
  /** This job's refund is there already. */
  made: boolean;
  /** The money went on to a connected account, and a fee was kept of it. */
  destination: boolean;
  applicationFee: boolean;
}

/** @returns null when Stripe has no such payment */
export async function readRefundable(
  stripe: Stripe,
  paymentIntentId: string,
  mark: Mark,
  signal: AbortSignal,
): Promise<RefundablePayment | null> {
  const intent = await readIfThere(signal, () => stripe.paymentIntents.retrieve(paymentIntentId));
  if (intent === null) return null;
  const refunds = await read(signal, () => collect(refundsOf(stripe, paymentIntentId)));
  const others = refunds.filter(
    (refund) => !isMarked(refund, mark) && refund.status !== 'failed' && refund.status !== 'canceled',
  );
  return {
    payment: viewCharge(intent),
    left: intent.amount_received - others.reduce((sum, refund) => sum + refund.amount, 0),
    made: refunds.some((refund) => isMarked(refund, mark)),
    destination: intent.transfer_data !== null,
    applicationFee: intent.application_fee_amount !== null,
  };
}

export async function readRefund(stripe: Stripe, id: string, signal: AbortSignal): Promise<RefundView> {
  return viewRefund(await read(signal, () => stripe.refunds.retrieve(id)));
}

export function refundEffect(
  stripe: Stripe,
  request: RefundRequest,
  currency: string,
  tools: LookupTools,
): EffectSpec<RefundRequest, RefundView> {
  return {
    provider: 'stripe',
    operation: 'refunds.create',
    request,
    amount: request.amount,
    currency,

    async send(stored, call) {
      const refund = await change(
        call.signal,
        () => stripe.refunds.create(inOrder(stored), { idempotencyKey: call.idempotencyKey }),
        refusal,
      );
      return { providerId: refund.id, response: viewRefund(refund) };
    },

    async find(stored, open) {
      const looked = await ask(open.signal, () =>
        lookThrough(refundsOf(stripe, stored.payment_intent), stored.metadata, Number.POSITIVE_INFINITY),
      );
      if (looked.match === null) return whenNotThere(open, looked, tools.policy, tools.clock.now());
      // One that failed is found as well: it was made, and how it ended is for the handler to tell.
      return { state: 'done', providerId: looked.match.id, response: viewRefund(looked.match) };
    },
  };
}

/** All of a payment's refunds; they are few. */
function refundsOf(stripe: Stripe, paymentIntentId: string): AsyncIterable<Stripe.Refund> {
  return stripe.refunds.list({ payment_intent: paymentIntentId, limit: 100 });
}

async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

function viewRefund(refund: Stripe.Refund): RefundView {
  const intent = refund.payment_intent;
  return {
    id: refund.id,
    paymentIntentId: typeof intent === 'string' ? intent : (intent?.id ?? ''),
    status: refund.status ?? 'pending',
    amount: refund.amount,
    currency: refund.currency,
    created: refund.created,
    failureReason: refund.failure_reason ?? null,
  };
}

/** Stripe has no code for "more than is left", only the parameter: another refund was quicker than this one. */
function refusal(error: unknown): JobError | undefined {
  if (!(error instanceof Stripe.errors.StripeInvalidRequestError) || error.param !== 'amount' || error.code)
    return undefined;
  return new PermanentError({ code: 'refund_exceeds_payment', message: 'amount: is more than is left of the payment' });
}
