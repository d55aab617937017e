import { PermanentError } from '@queue-service/contracts';
import type { EffectSpec, Found, OpenEffect } from '@queue-service/queue';
import type { Stripe } from 'stripe';
import { ask, change, inOrder, read } from './call.ts';
import { declineCode, describeDecline } from './errors.ts';
import { createdWindow, type Looked, type LookupTools, lookThrough, type Mark, whenNotThere } from './lookup.ts';

/** Parameters of `payment_intents.create`, as they are stored and sent. Amounts in minor units. */
export type ChargeRequest = {
  amount: number;
  currency: string;
  confirm: true;
  off_session: true;
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

export function viewCharge(intent: Stripe.PaymentIntent): ChargeView {
  const failure = intent.last_payment_error ?? null;
  const open = intent.status !== 'requires_payment_method';
  return {
    id: intent.id,
    status: intent.status,
    amount: intent.amount,
    currency: intent.currency,
    chargeId: typeof intent.latest_charge === 'string' ? intent.latest_charge : (intent.latest_charge?.id ?? null),
    created: intent.created,
    failure: open ? null : { code: declineCode(failure?.code), message: describeDecline(failure) },
  };
}

/** The payment as it is now. */
export async function readCharge(stripe: Stripe, id: string, signal: AbortSignal): Promise<ChargeView> {
  return viewCharge(await read(signal, () => stripe.paymentIntents.retrieve(id)));
}

/** Charges by creating and confirming one PaymentIntent. */
export function chargeEffect(
  stripe: Stripe,
  request: ChargeRequest,
  tools: LookupTools,
): EffectSpec<ChargeRequest, ChargeView> {
  return {
    provider: 'stripe',
    operation: 'payment_intents.create',
    request,
    amount: request.amount,
    currency: request.currency,

    async send(stored, call) {
      // The default may be changed between two tries, and another parameter under the same key is an error. So the
      // choice is written down before the request leaves.
      let method = stored.payment_method ?? call.memo?.payment_method;
      if (typeof method !== 'string') {
        method = await defaultPaymentMethod(stripe, stored.customer, call.signal);
        await call.remember({ payment_method: method });
      }
      const params = inOrder({ ...stored, payment_method: method });
      const intent = await change(call.signal, () =>
        stripe.paymentIntents.create(params, { idempotencyKey: call.idempotencyKey }),
      );
      return { providerId: intent.id, response: viewCharge(intent) };
    },

    async find(stored, open) {
      const looked = await lookForIntent(stripe, stored, open, tools);
      return looked.match === null
        ? whenNotThere(open, looked, tools.policy, tools.clock.now())
        : foundIntent(looked.match);
    },
  };
}

function foundIntent(intent: Stripe.PaymentIntent): Found<ChargeView> {
  const view = viewCharge(intent);
  // Declined: the intent stays behind without money and is left alone. It can only be paid with its client secret,
  // which never leaves this service, and a cancel would be one more request that can fail.
  if (view.failure !== null) return { state: 'rejected', ...view.failure };
  if (view.status === 'canceled')
    return { state: 'rejected', code: 'payment_canceled', message: 'The payment was canceled at Stripe' };
  return { state: 'done', providerId: view.id, response: view };
}

async function lookForIntent(
  stripe: Stripe,
  request: ChargeRequest,
  open: OpenEffect,
  tools: LookupTools,
): Promise<Looked<Stripe.PaymentIntent>> {
  const created = createdWindow(open, tools.policy);
  const customer = request.customer === undefined ? {} : { customer: request.customer };
  const listed = await ask(open.signal, () =>
    lookThrough(
      stripe.paymentIntents.list({ ...customer, created, limit: 100 }),
      request.metadata,
      tools.policy.maxListed,
    ),
  );
  if (listed.match !== null || listed.complete) return listed;
  // Too many to read: the index is asked. What it finds counts; that it finds nothing counts only when it has caught up.
  const query = `metadata['queue_job_id']:'${request.metadata.queue_job_id}' AND metadata['queue_effect']:'${request.metadata.queue_effect}'`;
  const searched = await ask(open.signal, () => stripe.paymentIntents.search({ query, limit: 1 }));
  return { match: searched.data[0] ?? null, complete: false };
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
  const method = customer.invoice_settings.default_payment_method ?? customer.default_source;
  if (method === null) {
    throw new PermanentError({
      code: 'invalid_request',
      message: 'customerId: the customer has no default payment method; give paymentMethodId or set one at Stripe',
    });
  }
  return typeof method === 'string' ? method : method.id;
}
