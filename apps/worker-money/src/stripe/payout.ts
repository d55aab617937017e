import { PermanentError, UnknownOutcomeError } from '@queue-service/contracts';
import type { EffectAdapter, EffectResult, Fenced, Found } from '@queue-service/queue';
import { Stripe } from 'stripe';
import { ask, askFor, change, inOrder } from './call.ts';
import type { Clock } from './clock.ts';
import { createdWindow, type LookupPolicy, lookThrough, type Mark, provenAbsence, whenNotThere } from './lookup.ts';
import { lookAgainMs, type SettlePolicy } from './settle.ts';

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

export interface PayoutTools {
  stripe: Stripe;
  clock: Clock;
  policy: LookupPolicy;
  settle: SettlePolicy;
}

/** Pays an account's balance out to its bank. It is done when the bank has the money; what comes back was none. */
export function payoutAdapter(tools: PayoutTools): EffectAdapter<PayoutRequest, PayoutView> {
  const { stripe, policy } = tools;

  const lookFor = async (request: PayoutRequest, created: object, refusedIds: readonly string[], signal: AbortSignal) =>
    // Payouts cannot be searched for; an account makes few a day, so its list is read to the end.
    ask(signal, () =>
      lookThrough(
        stripe.payouts.list({ created, limit: 100 }, { stripeAccount: request.account }),
        request.params.metadata,
        { refusedIds },
      ),
    );
  const retrieve = async (account: string, id: string, signal: AbortSignal) =>
    viewPayout(await askFor(signal, 'payout', id, () => stripe.payouts.retrieve(id, {}, { stripeAccount: account })));

  const find: NonNullable<EffectAdapter<PayoutRequest, PayoutView>['find']> = async (request, open) => {
    const known = open.memo?.payout;
    if (typeof known === 'string') return foundPayout(await retrieve(request.account, known, open.signal), tools);
    const looked = await lookFor(request, createdWindow(open, policy), open.refusedIds, open.signal);
    if (looked.match === null) return whenNotThere(open, looked, policy);
    return foundPayout(viewPayout(looked.match), tools);
  };

  return {
    provider: 'stripe',
    operation: 'payouts.create',

    async send({ account, params }, call) {
      const options = { stripeAccount: account, idempotencyKey: call.idempotencyKey };
      const view = viewPayout(await change(call, 'payout', () => stripe.payouts.create(inOrder(params), options)));
      if (view.status !== 'paid') await call.remember({ payout: view.id }, view.id);
      return answered(view, tools);
    },

    find,

    /** One that has not left for the bank yet can be canceled. https://docs.stripe.com/api/payouts/cancel */
    async fence(request, open): Promise<Fenced<PayoutView>> {
      const found = await find(request, open);
      switch (found.state) {
        case 'done':
        case 'rejected':
        case 'absent_for_good':
          return found;
        case 'absent_now':
          return provenAbsence(found, policy);
        case 'pending': {
          const id = typeof open.memo?.payout === 'string' ? open.memo.payout : null;
          if (id === null) return found;
          const canceled = await ask(open.signal, () =>
            stripe.payouts.cancel(id, {}, { stripeAccount: request.account }).catch((error: unknown) => {
              if (error instanceof Stripe.errors.StripeInvalidRequestError) return null;
              throw error;
            }),
          );
          return canceled?.id === id && canceled.status === 'canceled' ? { state: 'absent_for_good' } : found;
        }
        default:
          return { state: 'pending', retryAfterMs: policy.quietMs };
      }
    },

    async recall(request, since, signal): Promise<EffectResult<PayoutView> | null> {
      const created = { gte: Math.floor((since.getTime() - policy.skewMs) / 1_000) };
      const passed: string[] = [];
      for (;;) {
        const { match } = await lookFor(request, created, passed, signal);
        if (match === null) return null;
        const view = viewPayout(match);
        if (view.status !== 'failed' && view.status !== 'canceled') return answered(view, tools);
        passed.push(view.id);
      }
    },
  };
}

function answered(view: PayoutView, tools: PayoutTools): EffectResult<PayoutView> {
  const found = foundPayout(view, tools);
  switch (found.state) {
    case 'done':
      return found;
    case 'rejected':
      throw new PermanentError(found);
    case 'pending': {
      const { retryAfterMs } = found;
      throw new UnknownOutcomeError({
        code: 'outcome_pending',
        message: `The payout is ${view.status}`,
        retryAfterMs,
      });
    }
  }
}

function foundPayout(
  view: PayoutView,
  { clock, settle }: PayoutTools,
): Extract<Found<PayoutView>, { state: 'done' | 'rejected' | 'pending' }> {
  const { id, status } = view;
  switch (status) {
    case 'paid':
      return { state: 'done', providerId: id, response: view };
    case 'failed': {
      const message = `Payout ${id} failed (${view.failureCode ?? 'no reason given'}); the money is back in the account's balance`;
      return { state: 'rejected', code: 'payout_failed', message, providerId: id };
    }
    case 'canceled':
      return {
        state: 'rejected',
        code: 'payout_canceled',
        message: `Payout ${id} was canceled at Stripe`,
        providerId: id,
      };
    default: {
      // One that is on its way cannot be taken back, and one that is held is held by Stripe for a reason.
      const retryAfterMs = lookAgainMs(settle, view.created, clock.now()) ?? settle.pollMaxMs;
      return { state: 'pending', retryAfterMs, reason: `the payout is ${status}` };
    }
  }
}

function viewPayout(payout: Stripe.Payout): PayoutView {
  const { id, status, amount, currency, created } = payout;
  return { id, status, amount, currency, created, failureCode: payout.failure_code ?? null };
}
