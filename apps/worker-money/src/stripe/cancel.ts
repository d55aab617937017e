import type { EffectSpec } from '@queue-service/queue';
import type { Stripe } from 'stripe';
import { ask, change } from './call.ts';
import { type ChargeView, viewCharge } from './charge.ts';

export type CancelRequest = { payment_intent: string; cancellation_reason: 'abandoned' | 'requested_by_customer' };

/**
 * Cancels a payment that has not been made, so that it cannot be made later.
 * @throws PermanentError `payment_intent_unexpected_state` when it is too late, or too early (a bank is at work)
 */
export function cancelEffect(stripe: Stripe, request: CancelRequest): EffectSpec<CancelRequest, ChargeView> {
  return {
    provider: 'stripe',
    operation: 'payment_intents.cancel',
    request,

    async send(stored, call) {
      const intent = await change(call.signal, () =>
        stripe.paymentIntents.cancel(
          stored.payment_intent,
          { cancellation_reason: stored.cancellation_reason },
          { idempotencyKey: call.idempotencyKey },
        ),
      );
      return { providerId: intent.id, response: viewCharge(intent) };
    },

    async find(stored, open) {
      const intent = await ask(open.signal, () => stripe.paymentIntents.retrieve(stored.payment_intent));
      if (intent.status === 'canceled') return { state: 'done', providerId: intent.id, response: viewCharge(intent) };
      // To cancel twice does no more than once, so a new key is no risk here and spares a saved 500.
      return { state: 'absent', newKey: open.serverError };
    },
  };
}
