import { type JobError, PermanentError, UnknownOutcomeError } from '@queue-service/contracts';
import type { EffectAdapter, EffectResult, Found } from '@queue-service/queue';
import { Stripe } from 'stripe';
import { ask, askFor, change, inOrder, read, readIfThere } from './call.ts';
import { type ChargeView, viewCharge } from './charge.ts';
import type { Clock } from './clock.ts';
import { isMarked, type LookupPolicy, lookThrough, type Mark, whenNotThere } from './lookup.ts';
import { lookAgainMs, type SettlePolicy } from './settle.ts';

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
  /** Minor units not given back yet. */
  left: number;
  /** The money went on to a connected account, and a fee was kept of it. */
  destination: boolean;
  applicationFee: boolean;
}

export interface RefundTools {
  stripe: Stripe;
  clock: Clock;
  policy: LookupPolicy;
  settle: SettlePolicy;
}

/** @returns null when Stripe has no such payment */
export async function readRefundable(
  stripe: Stripe,
  paymentIntentId: string,
  signal: AbortSignal,
): Promise<RefundablePayment | null> {
  const intent = await readIfThere(signal, () => stripe.paymentIntents.retrieve(paymentIntentId));
  if (intent === null) return null;
  let left = intent.amount_received;
  await read(signal, async () => {
    left = intent.amount_received;
    for await (const { status, amount } of refundsOf(stripe, paymentIntentId)) {
      if (status !== 'failed' && status !== 'canceled') left -= amount;
    }
  });
  return {
    payment: viewCharge(intent),
    left,
    // Stripe may leave out what is not set.
    destination: (intent.transfer_data ?? null) !== null,
    applicationFee: (intent.application_fee_amount ?? null) !== null,
  };
}

/**
 * Gives money back. It is done when the money has arrived; a refund that the bank refuses, weeks later even, was none.
 * Stripe never refunds more than the charge, so only a part can be given back twice; that is what the key and the list,
 * which is complete and never behind, are for.
 */
export function refundAdapter(tools: RefundTools): EffectAdapter<RefundRequest, RefundView> {
  const { stripe } = tools;
  return {
    provider: 'stripe',
    operation: 'refunds.create',

    async send(stored, call) {
      const refund = await change(
        call,
        'refund',
        () => stripe.refunds.create(inOrder(stored), { idempotencyKey: call.idempotencyKey }),
        refusal,
      );
      const view = viewRefund(refund);
      if (view.status !== 'succeeded') await call.remember({ refund: view.id }, view.id);
      return answered(view, tools);
    },

    async find(stored, open) {
      const known = open.memo?.refund;
      if (typeof known === 'string') {
        const refund = await askFor(open.signal, 'refund', known, () => stripe.refunds.retrieve(known));
        return foundRefund(viewRefund(refund), tools);
      }
      const looked = await ask(open.signal, () =>
        lookThrough(refundsOf(stripe, stored.payment_intent), stored.metadata, { refusedIds: open.refusedIds }),
      );
      if (looked.match === null) return whenNotThere(open, looked, tools.policy);
      return foundRefund(viewRefund(looked.match), tools);
    },

    async recall(stored, _since, signal): Promise<EffectResult<RefundView> | null> {
      const refunds: RefundView[] = [];
      await ask(signal, async () => {
        refunds.length = 0;
        for await (const refund of refundsOf(stripe, stored.payment_intent)) {
          if (isMarked(refund, stored.metadata)) refunds.push(viewRefund(refund));
        }
      });
      const standing = refunds.find(({ status }) => status !== 'failed' && status !== 'canceled');
      return standing === undefined ? null : answered(standing, tools);
    },
  };
}

function answered(view: RefundView, tools: RefundTools): EffectResult<RefundView> {
  const found = foundRefund(view, tools);
  switch (found.state) {
    case 'done':
      return found;
    case 'rejected':
      throw new PermanentError(found);
    case 'pending': {
      const { retryAfterMs } = found;
      throw new UnknownOutcomeError({
        code: 'outcome_pending',
        message: `The refund is ${view.status}`,
        retryAfterMs,
      });
    }
  }
}

function foundRefund(
  view: RefundView,
  { clock, settle }: RefundTools,
): Extract<Found<RefundView>, { state: 'done' | 'rejected' | 'pending' }> {
  const { id, status } = view;
  if (status === 'succeeded') return { state: 'done', providerId: id, response: view };
  if (status === 'failed' || status === 'canceled') {
    const reason = view.failureReason === null ? '' : ` (${view.failureReason})`;
    const message = `Refund ${id} ended as ${status}${reason}; the money is back at Stripe`;
    return { state: 'rejected', code: 'refund_failed', message, providerId: id };
  }
  // Stripe has no way to take it back, so it may still arrive, however late that is.
  const retryAfterMs = lookAgainMs(settle, view.created, clock.now()) ?? settle.pollMaxMs;
  return { state: 'pending', retryAfterMs, reason: `the refund is ${status}` };
}

/** All of a payment's refunds; they are few. */
function refundsOf(stripe: Stripe, paymentIntentId: string): AsyncIterable<Stripe.Refund> {
  return stripe.refunds.list({ payment_intent: paymentIntentId, limit: 100 });
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
