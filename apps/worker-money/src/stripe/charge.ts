import { PermanentError, UnknownOutcomeError } from '@queue-service/contracts';
import type {
  EffectAdapter,
  EffectCall,
  EffectResult,
  Fenced,
  Found,
  JsonObject,
  OpenEffect,
} from '@queue-service/queue';
import { Stripe } from 'stripe';
import { z } from 'zod';
import { ask, askFor, change, inOrder, prepare, read } from './call.ts';
import type { Clock } from './clock.ts';
import { declineCode, describeDecline } from './errors.ts';
import { type LookupPolicy, lookThrough, type Mark, provenAbsence, whenNotThere } from './lookup.ts';
import { findOneStepCharge, lookForIntent } from './one-step-charge.ts';
import { lookAgainMs, type SettlePolicy } from './settle.ts';

/** Parameters of `payment_intents.create`, as they are stored and sent. Amounts in minor units. */
export type ChargeRequest = {
  amount: number;
  currency: string;
  /** Without `never`, Stripe wants a return_url for payment methods that redirect, which nobody here could follow. */
  automatic_payment_methods: { enabled: true; allow_redirects: 'never' };
  metadata: { [key: string]: string } & Mark;
  customer?: string;
  /** When it is missing, the customer's default is taken at the first send and remembered. */
  payment_method?: string;
  description?: string;
  transfer_data?: { destination: string };
  application_fee_amount?: number;
  on_behalf_of?: string;
  /** Only in what was stored before charges had two steps. */
  confirm?: true;
  off_session?: true;
};

/** What the ledger keeps of a PaymentIntent: nothing personal, no client secret. */
export type ChargeView = {
  id: string;
  status: string;
  amount: number;
  currency: string;
  chargeId: string | null;
  /** Stripe's time stamp, seconds. */
  created: number;
  /** Code and explanation of the last failed attempt. */
  failure: { code: string; message: string } | null;
};

export interface ChargeTools {
  stripe: Stripe;
  clock: Clock;
  policy: LookupPolicy;
  settle: { action: SettlePolicy; processing: SettlePolicy };
}

export function viewCharge(intent: Stripe.PaymentIntent): ChargeView {
  const failure = intent.last_payment_error ?? null;
  const declined = intent.status === 'requires_payment_method' && failure !== null;
  return {
    id: intent.id,
    status: intent.status,
    amount: intent.amount,
    currency: intent.currency,
    chargeId: typeof intent.latest_charge === 'string' ? intent.latest_charge : (intent.latest_charge?.id ?? null),
    created: intent.created,
    failure: declined ? { code: declineCode(failure.code), message: describeDecline(failure) } : null,
  };
}

/** What is known of the effect besides its request, written down before the next request leaves. */
const memoSchema = z.object({
  paymentMethod: z.string().optional(),
  paymentIntent: z.string().optional(),
  /** A server error was the answer to a `create`: its key may replay it for ever, so the next one is numbered. */
  creation: z.int().optional(),
});
type Memo = z.infer<typeof memoSchema>;

/**
 * Charges in two steps: an unconfirmed PaymentIntent, which moves no money and harms nobody as an orphan, its id written
 * down, then a confirm of that id. A confirm can succeed once, whatever keys, hours and copies of the request there
 * are; what became of it is read by id, which is never behind; and a cancel of the id makes every late confirm fail.
 * https://docs.stripe.com/payments/paymentintents/lifecycle
 */
export function chargeAdapter(tools: ChargeTools): EffectAdapter<ChargeRequest, ChargeView> {
  const { stripe } = tools;
  return {
    provider: 'stripe',
    operation: 'payment_intents.confirm',

    async send(stored, call) {
      const memo = readMemo(call.memo);
      const id = memo.paymentIntent ?? (await createIntent(stripe, stored, memo, call));
      const intent = await change(
        call,
        'payment_intent',
        () =>
          stripe.paymentIntents.confirm(
            id,
            { off_session: true },
            // Of its own for each: one that was answered with a server error is not replayed, and none can succeed twice.
            { idempotencyKey: `${call.idempotencyKey}.confirm.${call.sends}` },
          ),
        tooLate,
      );
      return answered(intent, tools);
    },

    async find(stored, open) {
      if (stored.confirm) return findOneStepCharge(stripe, stored, open, tools);
      const { paymentIntent: id } = readMemo(open.memo);
      // Its id is written down before a confirm leaves.
      if (id === undefined) return { state: 'absent_for_good' };
      return foundIntent(await retrieve(stripe, id, open.signal), open, tools);
    },

    async fence(stored, open) {
      if (stored.confirm) {
        const looked = await lookForIntent(stripe, stored, open, tools);
        return looked.match === null
          ? provenAbsence(whenNotThere<ChargeView>(open, looked, tools.policy), tools.policy)
          : fenceIntent(looked.match.id, tools, open.signal);
      }
      const { paymentIntent: id } = readMemo(open.memo);
      return id === undefined ? { state: 'absent_for_good' } : fenceIntent(id, tools, open.signal);
    },

    recall: (stored, since, signal) => recallCharge(stored, since, tools, signal),
  };
}

async function createIntent(stripe: Stripe, stored: ChargeRequest, memo: Memo, call: EffectCall): Promise<string> {
  const { confirm: _, off_session: __, ...request } = stored;
  let known = memo;
  const remember = async (more: Memo, intent?: string) => {
    known = { ...known, ...more };
    await call.remember(known as JsonObject, intent);
  };
  // The default may be changed between two tries, and another parameter under the same key is an error. So the
  // choice is written down before the request leaves.
  const method = request.payment_method ?? known.paymentMethod;
  if (method === undefined) {
    await remember({ paymentMethod: await defaultPaymentMethod(stripe, request.customer, call.signal) });
  }
  const params = inOrder({ ...request, payment_method: method ?? (known.paymentMethod as string) });
  const suffix = known.creation === undefined ? '' : `.create.${known.creation}`;
  try {
    const { id } = await prepare(call, 'payment_intent', () =>
      stripe.paymentIntents.create(params, { idempotencyKey: `${call.idempotencyKey}${suffix}` }),
    );
    await remember({ paymentIntent: id }, id);
    return id;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === 'provider_error' || code === 'idempotency_mismatch') await remember({ creation: call.sends });
    throw error;
  }
}

/** @throws PermanentError it was declined; UnknownOutcomeError it is decided later */
function answered(intent: Stripe.PaymentIntent, tools: ChargeTools): EffectResult<ChargeView> {
  const view = viewCharge(intent);
  if (view.status === 'succeeded') return { providerId: view.id, response: view };
  if (view.failure !== null) throw new PermanentError(view.failure);
  throw new UnknownOutcomeError({
    code: 'outcome_pending',
    message: `The payment is ${view.status}`,
    retryAfterMs: waitMs(view, tools) ?? 0,
  });
}

/** What the present state of the PaymentIntent says of the confirms that have left for it. */
export function foundIntent(
  intent: Stripe.PaymentIntent,
  open: Pick<OpenEffect, 'repeated'>,
  tools: Pick<ChargeTools, 'clock' | 'settle'>,
): Found<ChargeView> {
  const view = viewCharge(intent);
  switch (view.status) {
    case 'succeeded':
      return { state: 'done', providerId: view.id, response: view };
    case 'canceled':
      return {
        state: 'rejected',
        code: 'payment_canceled',
        message: 'The payment was canceled at Stripe',
        providerId: view.id,
      };
    case 'requires_payment_method':
    case 'requires_confirmation':
      if (view.failure === null) return { state: 'absent_now' };
      // The decline of one confirm says nothing of another that may be under way.
      return open.repeated
        ? { state: 'overdue', ...view.failure }
        : { state: 'rejected', ...view.failure, providerId: view.id };
    default: {
      // processing, requires_action, requires_capture, and what Stripe may come to call it.
      const retryAfterMs = waitMs(view, tools);
      if (retryAfterMs !== null) return { state: 'pending', retryAfterMs, reason: `the payment is ${view.status}` };
      return {
        state: 'overdue',
        code: 'payment_not_settled_in_time',
        message: `The payment was still ${view.status} at its deadline and was canceled`,
      };
    }
  }
}

/** Cancels the PaymentIntent, so that every confirm that is still under way fails. */
export async function fenceIntent(
  id: string,
  tools: Pick<ChargeTools, 'stripe' | 'clock' | 'settle'>,
  signal: AbortSignal,
): Promise<Fenced<ChargeView>> {
  const { stripe } = tools;
  const canceled = await ask(signal, () =>
    // Without a key: a saved refusal would be replayed when the bank has long decided.
    stripe.paymentIntents.cancel(id, { cancellation_reason: 'abandoned' }).catch((error: unknown) => {
      if (isUnexpectedState(error)) return null;
      throw error;
    }),
  );
  const intent = canceled?.id === id && canceled.status === 'canceled' ? canceled : await retrieve(stripe, id, signal);
  const view = viewCharge(intent);
  if (view.status === 'canceled') return { state: 'absent_for_good' };
  if (view.status === 'succeeded') return { state: 'done', providerId: id, response: view };
  // A bank is at work on it and Stripe does not let go of it. As long as money may come, nothing else may be said.
  const retryAfterMs = waitMs(view, tools) ?? tools.settle.processing.pollMaxMs;
  return { state: 'pending', retryAfterMs, reason: `the payment is ${view.status} and cannot be canceled yet` };
}

/**
 * The payment of a job whose effect the ledger may have lost. One that has not succeeded is canceled: nobody remembers
 * which confirms have left for it.
 */
async function recallCharge(
  request: ChargeRequest,
  since: Date,
  tools: ChargeTools,
  signal: AbortSignal,
): Promise<EffectResult<ChargeView> | null> {
  const customer = request.customer === undefined ? {} : { customer: request.customer };
  const gte = Math.floor((since.getTime() - tools.policy.skewMs) / 1_000);
  const passed: string[] = [];
  for (;;) {
    const rows = tools.stripe.paymentIntents.list({ ...customer, created: { gte }, limit: 100 });
    const { match } = await ask(signal, () => lookThrough(rows, request.metadata, { refusedIds: passed }));
    if (match === null) return null;
    const fenced = await fenceIntent(match.id, tools, signal);
    if (fenced.state === 'done') return fenced;
    if (fenced.state === 'pending') {
      const { retryAfterMs } = fenced;
      const message = 'An earlier payment of this job is under way';
      throw new UnknownOutcomeError({ code: 'outcome_pending', message, retryAfterMs });
    }
    passed.push(match.id);
  }
}

function retrieve(stripe: Stripe, id: string, signal: AbortSignal): Promise<Stripe.PaymentIntent> {
  return askFor(signal, 'payment_intent', id, () => stripe.paymentIntents.retrieve(id));
}

function waitMs(view: ChargeView, { clock, settle }: Pick<ChargeTools, 'clock' | 'settle'>): number | null {
  const policy = view.status === 'processing' ? settle.processing : settle.action;
  return lookAgainMs(policy, view.created, clock.now());
}

/** It is not in a state to be confirmed: an earlier confirm was heard. So it is looked at, at once. */
function tooLate(error: unknown): UnknownOutcomeError | undefined {
  if (!isUnexpectedState(error)) return undefined;
  return new UnknownOutcomeError({
    code: 'payment_intent_unexpected_state',
    message: 'The payment is not waiting for a confirm any more',
    retryAfterMs: 0,
  });
}

function isUnexpectedState(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeError && error.code === 'payment_intent_unexpected_state';
}

function readMemo(memo: unknown): Memo {
  return memo === null ? {} : memoSchema.parse(memo);
}

async function defaultPaymentMethod(
  stripe: Stripe,
  customerId: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const customer = customerId === undefined ? null : await read(signal, () => stripe.customers.retrieve(customerId));
  if (customer === null || customer.deleted) {
    throw new PermanentError({ code: 'invalid_request', message: 'customerId: the customer was deleted at Stripe' });
  }
  const method = customer.invoice_settings.default_payment_method ?? customer.default_source ?? null;
  if (method === null) {
    throw new PermanentError({
      code: 'invalid_request',
      message: 'customerId: the customer has no default payment method; give paymentMethodId or set one at Stripe',
    });
  }
  return typeof method === 'string' ? method : method.id;
}
