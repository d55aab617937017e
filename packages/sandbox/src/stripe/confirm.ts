import { createCharge, settleCharge } from './charges.ts';
import { openDispute } from './disputes.ts';
import { cardError } from './errors.ts';
import type { Charge, PaymentIntent } from './objects.ts';
import type { Params } from './params.ts';
import { behaviourOf } from './payment-methods.ts';
import type { Book } from './state.ts';
import type { Decline } from './test-methods.ts';
import { newId, type World } from './world.ts';

export interface ConfirmOptions {
  offSession: boolean;
  errorOnRequiresAction: boolean;
  returnUrl: string | undefined;
}

const AUTHENTICATION_REQUIRED: Decline = {
  code: 'authentication_required',
  declineCode: 'authentication_required',
  message: 'Your card was declined. This transaction requires authentication.',
};

/** Uncaptured funds are held for seven days. */
const AUTHORIZED_FOR_MS = 7 * 24 * 60 * 60 * 1000;

export function readConfirmOptions(params: Params): ConfirmOptions {
  const offSession = params.text('off_session');
  return {
    offSession: offSession !== undefined && offSession !== 'false',
    errorOnRequiresAction: params.flag('error_on_requires_action') ?? false,
    returnUrl: params.text('return_url'),
  };
}

/** Attempts the payment; the test payment method decides how it ends. @throws StripeFailure 402 on a decline */
export function confirmIntent(world: World, book: Book, intent: PaymentIntent, options: ConfirmOptions): void {
  const method = behaviourOf(book, intent.payment_method);
  intent.last_payment_error = null;
  if (method.authentication) {
    if (options.offSession || options.errorOnRequiresAction)
      throw decline(world, book, intent, AUTHENTICATION_REQUIRED);
    requireAction(world, book, intent, options);
    return;
  }
  if (method.decline) throw decline(world, book, intent, method.decline);
  if (method.settles) {
    intent.status = 'processing';
    intent.latest_charge = createCharge(world, book, intent, { kind: 'pending' }).id;
    if (method.settles !== 'never') {
      world.schedule(book, { kind: 'debit-settles', id: intent.id, dueInMs: world.settings.bankDebitSettlesAfterMs });
    }
    world.emit(book, 'payment_intent.processing', intent);
    return;
  }
  pay(world, book, intent);
}

/** The customer did what was asked, or failed to. */
export function finishAction(world: World, book: Book, intent: PaymentIntent, outcome: 'succeeded' | 'failed'): void {
  intent.next_action = null;
  const method = behaviourOf(book, intent.payment_method);
  if (outcome === 'succeeded' && !method.decline) {
    pay(world, book, intent);
    return;
  }
  const failure =
    outcome === 'succeeded' && method.decline
      ? method.decline
      : {
          code: 'payment_intent_authentication_failure',
          message:
            'The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again.',
        };
  fail(world, book, intent, failure, null);
}

/** A bank debit that was `processing` ends. */
export function endProcessing(
  world: World,
  book: Book,
  intent: PaymentIntent,
  outcome: { kind: 'succeeded' } | { kind: 'failed'; failure: Decline },
): void {
  const charge = book.get('charge', intent.latest_charge ?? '') as Charge;
  intent.processing = null;
  if (outcome.kind === 'succeeded') {
    settleCharge(world, book, charge, charge.amount);
    intent.status = 'succeeded';
    intent.amount_received = charge.amount;
    world.emit(book, 'charge.succeeded', charge);
    world.emit(book, 'payment_intent.succeeded', intent);
    return;
  }
  charge.status = 'failed';
  charge.paid = false;
  charge.captured = false;
  charge.failure_code = outcome.failure.declineCode ?? outcome.failure.code;
  charge.failure_message = outcome.failure.message;
  world.emit(book, 'charge.failed', charge);
  fail(world, book, intent, outcome.failure, charge);
}

function pay(world: World, book: Book, intent: PaymentIntent): void {
  const manual = intent.capture_method === 'manual';
  const charge = createCharge(world, book, intent, { kind: manual ? 'authorized' : 'captured' });
  intent.latest_charge = charge.id;
  if (manual) {
    intent.status = 'requires_capture';
    intent.amount_capturable = intent.amount;
    world.schedule(book, { kind: 'authorization-ends', id: intent.id, dueInMs: AUTHORIZED_FOR_MS });
    world.emit(book, 'payment_intent.amount_capturable_updated', intent);
    return;
  }
  intent.status = 'succeeded';
  intent.amount_received = intent.amount;
  world.emit(book, 'payment_intent.succeeded', intent);
  const { dispute } = behaviourOf(book, intent.payment_method);
  if (dispute) openDispute(world, book, charge, { reason: dispute });
}

function decline(world: World, book: Book, intent: PaymentIntent, failure: Decline) {
  const charge = createCharge(world, book, intent, { kind: 'declined', decline: failure });
  fail(world, book, intent, failure, charge);
  return cardError({
    code: failure.code,
    ...(failure.declineCode ? { decline_code: failure.declineCode } : {}),
    ...(failure.advice ? { advice_code: failure.advice } : {}),
    charge: charge.id,
    message: failure.message,
    payment_intent: structuredClone(intent),
    payment_method: structuredClone(book.get('payment_method', charge.payment_method ?? '')),
  });
}

function fail(world: World, book: Book, intent: PaymentIntent, failure: Decline, charge: Charge | null): void {
  const method = book.get('payment_method', intent.payment_method ?? '');
  intent.status = 'requires_payment_method';
  intent.payment_method = null;
  if (charge) intent.latest_charge = charge.id;
  intent.last_payment_error = {
    ...(charge ? { charge: charge.id } : {}),
    ...(failure.advice ? { advice_code: failure.advice } : {}),
    code: failure.code,
    ...(failure.declineCode ? { decline_code: failure.declineCode } : {}),
    message: failure.message,
    payment_method: structuredClone(method),
    type: 'card_error',
  } as unknown as PaymentIntent['last_payment_error'];
  world.emit(book, 'payment_intent.payment_failed', intent);
}

function requireAction(world: World, book: Book, intent: PaymentIntent, options: ConfirmOptions): void {
  intent.status = 'requires_action';
  intent.next_action = (
    options.returnUrl === undefined
      ? {
          type: 'use_stripe_sdk',
          use_stripe_sdk: { type: 'three_d_secure_redirect', source: newId(world, 'src'), stripe_js: '' },
        }
      : {
          type: 'redirect_to_url',
          redirect_to_url: {
            return_url: options.returnUrl,
            url: `https://hooks.stripe.com/redirect/authenticate/${newId(world, 'src')}`,
          },
        }
  ) as PaymentIntent['next_action'];
  world.emit(book, 'payment_intent.requires_action', intent);
}
