import { settleCharge } from './charges.ts';
import { type ConfirmOptions, confirmIntent, readConfirmOptions } from './confirm.ts';
import { checkChargeAmount } from './currencies.ts';
import { badParameter, invalidRequest, missing, StripeFailure } from './errors.ts';
import { checkReferences, readDraft } from './intent-draft.ts';
import { PLATFORM_APPLICATION } from './ledger.ts';
import type { PaymentIntent } from './objects.ts';
import type { Params } from './params.ts';
import { usePaymentMethod } from './payment-methods.ts';
import { type Book, PLATFORM } from './state.ts';
import { newId, seconds, type World } from './world.ts';

export const CONFIRM_PARAMS = [
  'capture_method',
  'error_on_requires_action',
  'mandate',
  'mandate_data',
  'off_session',
  'payment_method',
  'payment_method_options',
  'allowed_payment_method_types',
  'receipt_email',
  'return_url',
  'setup_future_usage',
  'shipping',
  'use_stripe_sdk',
] as const;
export const UPDATE_PARAMS = [
  'amount',
  'application_fee_amount',
  'capture_method',
  'currency',
  'customer',
  'description',
  'metadata',
  'payment_method',
  'payment_method_options',
  'allowed_payment_method_types',
  'receipt_email',
  'setup_future_usage',
  'shipping',
  'statement_descriptor',
  'statement_descriptor_suffix',
  'transfer_data',
  'transfer_group',
] as const;
export const CREATE_PARAMS = [
  ...new Set([...CONFIRM_PARAMS, ...UPDATE_PARAMS]),
  'automatic_payment_methods',
  'confirm',
  'confirmation_method',
  'on_behalf_of',
];
export const CAPTURE_PARAMS = [
  'amount_to_capture',
  'application_fee_amount',
  'final_capture',
  'metadata',
  'statement_descriptor',
  'statement_descriptor_suffix',
  'transfer_data',
] as const;

/** `POST /v1/payment_intents`. @throws StripeFailure as Stripe does; a decline leaves the intent behind, as there. */
export function createIntent(world: World, book: Book, params: Params): PaymentIntent {
  const draft = readDraft(params);
  const confirm = params.flag('confirm') ?? false;
  const options = readConfirmOptions(params);
  if (!confirm && (options.offSession || options.errorOnRequiresAction)) {
    throw badParameter(
      'You can only set `off_session` and `error_on_requires_action` when `confirm` is true.',
      'off_session',
    );
  }
  checkChargeAmount(draft.amount, draft.currency);
  const fields = checkReferences(world, book, draft);

  const id = newId(world, 'pi');
  const intent: PaymentIntent = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: draft.allowedTypes ?? null,
    amount: draft.amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: book.account === PLATFORM ? null : PLATFORM_APPLICATION,
    application_fee_amount: draft.applicationFee ?? null,
    automatic_payment_methods: draft.automatic,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: draft.captureMethod,
    client_secret: `${id}_secret_${world.ids.token(25)}`,
    confirmation_method: draft.confirmationMethod,
    created: seconds(world),
    currency: draft.currency,
    customer: draft.customer ?? null,
    customer_account: null,
    description: draft.description ?? null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: draft.metadata,
    next_action: null,
    on_behalf_of: draft.onBehalfOf ?? null,
    payment_method: fields.paymentMethod,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' },
    },
    payment_method_types: draft.allowedTypes ?? ['card', 'us_bank_account', 'sepa_debit'],
    payment_record: null,
    processing: null,
    receipt_email: draft.receiptEmail ?? null,
    review: null,
    setup_future_usage: draft.setupFutureUsage ?? null,
    shipping: null,
    source: null,
    statement_descriptor: draft.statementDescriptor ?? null,
    statement_descriptor_suffix: draft.statementDescriptorSuffix ?? null,
    status: fields.paymentMethod === null ? 'requires_payment_method' : 'requires_confirmation',
    transfer_data: draft.transfer
      ? {
          destination: draft.transfer.destination,
          ...(draft.transfer.amount === undefined ? {} : { amount: draft.transfer.amount }),
        }
      : null,
    transfer_group: draft.transferGroup ?? null,
  };
  if (confirm) checkConfirmable(intent, options);
  book.add('payment_intent', intent);
  world.emit(book, 'payment_intent.created', intent);
  if (confirm) confirmIntent(world, book, intent, options);
  return intent;
}

/** `POST /v1/payment_intents/:id/confirm`. */
export function confirmExisting(world: World, book: Book, intent: PaymentIntent, params: Params): PaymentIntent {
  const options = readConfirmOptions(params);
  const method = params.text('payment_method');
  checkState(intent, 'confirm', ['requires_payment_method', 'requires_confirmation', 'requires_action']);
  if (method !== undefined) intent.payment_method = usePaymentMethod(world, book, method).id;
  checkConfirmable(intent, options);
  confirmIntent(world, book, intent, options);
  return intent;
}

/** `POST /v1/payment_intents/:id`. */
export function updateIntent(world: World, book: Book, intent: PaymentIntent, params: Params): PaymentIntent {
  const amount = params.amount('amount');
  const description = params.text('description');
  const method = params.text('payment_method');
  const fee = params.integer('application_fee_amount');
  const group = params.text('transfer_group');
  if (params.has('metadata')) intent.metadata = { ...intent.metadata, ...params.metadata() };
  if (description !== undefined) intent.description = description;
  if (group !== undefined) intent.transfer_group = group;
  if (amount !== undefined || method !== undefined || fee !== undefined) {
    checkState(intent, 'update', ['requires_payment_method', 'requires_confirmation', 'requires_action']);
  }
  if (amount !== undefined) {
    checkChargeAmount(amount, intent.currency);
    intent.amount = amount;
  }
  if (fee !== undefined) intent.application_fee_amount = fee;
  if (method !== undefined) {
    intent.payment_method = usePaymentMethod(world, book, method).id;
    intent.status = 'requires_confirmation';
  }
  return intent;
}

/** `POST /v1/payment_intents/:id/capture`: once, all or part; the rest is released. */
export function captureIntent(world: World, book: Book, intent: PaymentIntent, params: Params): PaymentIntent {
  const amount = params.amount('amount_to_capture') ?? intent.amount_capturable;
  const fee = params.integer('application_fee_amount');
  checkState(intent, 'capture', ['requires_capture']);
  if (amount > intent.amount_capturable) {
    throw invalidRequest(
      `The amount to capture (${amount}) is greater than the amount that can be captured (${intent.amount_capturable}).`,
      'amount_too_large',
      { param: 'amount_to_capture' },
    );
  }
  const charge = book.get('charge', intent.latest_charge ?? '');
  if (!charge) throw missing('charge', String(intent.latest_charge), { param: 'intent', inPath: false });
  if (fee !== undefined) {
    intent.application_fee_amount = fee;
    charge.application_fee_amount = fee;
  }
  settleCharge(world, book, charge, amount);
  charge.amount_refunded = charge.amount - amount;
  intent.status = 'succeeded';
  intent.amount_capturable = 0;
  intent.amount_received = amount;
  world.effects.record({
    kind: 'charge',
    id: charge.id,
    jobId: intent.metadata['queue_job_id'],
    detail: { amount, currency: charge.currency, paymentIntent: intent.id, account: book.account },
  });
  world.emit(book, 'charge.captured', charge);
  world.emit(book, 'payment_intent.succeeded', intent);
  return intent;
}

/** `POST /v1/payment_intents/:id/cancel`. */
export function cancelIntent(
  world: World,
  book: Book,
  intent: PaymentIntent,
  reason: PaymentIntent['cancellation_reason'],
): PaymentIntent {
  checkState(intent, 'cancel', [
    'requires_payment_method',
    'requires_capture',
    'requires_confirmation',
    'requires_action',
  ]);
  const charge = book.get('charge', intent.latest_charge ?? '');
  if (intent.status === 'requires_capture' && charge) {
    charge.refunded = true;
    charge.amount_refunded = charge.amount;
    world.emit(book, 'charge.refunded', charge);
  }
  intent.status = 'canceled';
  intent.canceled_at = seconds(world);
  intent.cancellation_reason = reason;
  intent.amount_capturable = 0;
  intent.next_action = null;
  world.emit(book, 'payment_intent.canceled', intent);
  return intent;
}

function checkConfirmable(intent: PaymentIntent, options: ConfirmOptions): void {
  if (intent.payment_method === null) {
    throw invalidRequest(
      "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.",
      'payment_intent_unexpected_state',
    );
  }
  if (
    intent.automatic_payment_methods?.enabled &&
    intent.automatic_payment_methods.allow_redirects !== 'never' &&
    !options.returnUrl
  ) {
    throw invalidRequest(
      "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.",
    );
  }
}

function checkState(intent: PaymentIntent, verb: string, allowed: readonly string[]): void {
  if (allowed.includes(intent.status)) return;
  const past = { confirm: 'confirmed', update: 'updated', capture: 'captured', cancel: 'canceled' }[verb] ?? verb;
  throw new StripeFailure(
    400,
    {
      type: 'invalid_request_error',
      code: 'payment_intent_unexpected_state',
      message: `You cannot ${verb} this PaymentIntent because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be ${past}: ${allowed.join(', ')}.`,
      payment_intent: structuredClone(intent),
    },
    { saved: true },
  );
}
