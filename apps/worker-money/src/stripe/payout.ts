import type { EffectSpec } from '@queue-service/queue';
import type { Stripe } from 'stripe';
import { ask, change, inOrder, read } from './call.ts';
import { createdWindow, type LookupTools, lookThrough, type Mark, whenNotThere } from './lookup.ts';

/** Parameters of `payouts.create`, and the connected account whose balance goes to its own bank. Minor units. */
export type PayoutRequest = {
  account: string;
  params: { amount: number; currency: string; metadata: { [key: string]: string } & Mark };
};

export type PayoutView = {
  id: string;
  status: string;
  amount: number;
  currency: string;
  /** Stripe's time stamp, seconds. */
  created: number;
  failureCode: string | null;
};

export async function readPayout(
  stripe: Stripe,
  account: string,
  id: string,
  signal: AbortSignal,
): Promise<PayoutView> {
  return viewPayout(await read(signal, () => stripe.payouts.retrieve(id, {}, { stripeAccount: account })));
}

export function payoutEffect(
  stripe: Stripe,
  request: PayoutRequest,
  tools: LookupTools,
): EffectSpec<PayoutRequest, PayoutView> {
  return {
    provider: 'stripe',
    operation: 'payouts.create',
    request,
    amount: request.params.amount,
    currency: request.params.currency,

    async send({ account, params }, call) {
      const options = { stripeAccount: account, idempotencyKey: call.idempotencyKey };
      const payout = await change(call.signal, () => stripe.payouts.create(inOrder(params), options));
      return { providerId: payout.id, response: viewPayout(payout) };
    },

    async find({ account, params }, open) {
      // Payouts cannot be searched for; an account makes few a day, so its list is read to the end.
      const created = createdWindow(open, tools.policy);
      const looked = await ask(open.signal, () =>
        lookThrough(
          stripe.payouts.list({ created, limit: 100 }, { stripeAccount: account }),
          params.metadata,
          Number.POSITIVE_INFINITY,
        ),
      );
      if (looked.match === null) return whenNotThere(open, looked, tools.policy, tools.clock.now());
      return { state: 'done', providerId: looked.match.id, response: viewPayout(looked.match) };
    },
  };
}

function viewPayout(payout: Stripe.Payout): PayoutView {
  const { id, status, amount, currency, created, failure_code: failureCode } = payout;
  return { id, status, amount, currency, created, failureCode };
}
