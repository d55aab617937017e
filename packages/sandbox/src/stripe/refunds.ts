import { money } from './currencies.ts';
import { badParameter, invalidRequest, missing } from './errors.ts';
import { funds, post } from './ledger.ts';
import type { ApplicationFee, Charge, Refund, Transfer } from './objects.ts';
import type { Params } from './params.ts';
import { behaviourOf } from './payment-methods.ts';
import type { Book } from './state.ts';
import { takeBack } from './transfers.ts';
import { jobIdOf, newId, seconds, type World } from './world.ts';

export const REFUND_PARAMS = [
  'amount',
  'charge',
  'instructions_email',
  'metadata',
  'payment_intent',
  'reason',
  'refund_application_fee',
  'reverse_transfer',
] as const;

/** When a refund that is not instant ends by itself. */
const ENDS_AFTER_MS = 3 * 24 * 60 * 60 * 1000;

/** `POST /v1/refunds`. @throws StripeFailure `charge_already_refunded`, `charge_disputed`, … */
export function createRefund(world: World, book: Book, params: Params): Refund {
  const chargeId = params.text('charge');
  const intentId = params.text('payment_intent');
  const asked = params.amount('amount');
  const reason = params.oneOf('reason', ['duplicate', 'fraudulent', 'requested_by_customer']) ?? null;
  const metadata = params.metadata();
  const reverse = params.flag('reverse_transfer') ?? false;
  const refundFee = params.flag('refund_application_fee') ?? false;
  params.text('instructions_email');
  if (chargeId === undefined && intentId === undefined) {
    throw badParameter('One of the following params should be provided for this request: payment_intent or charge.');
  }
  const charge = intentId === undefined ? findCharge(book, chargeId as string) : chargeOfIntent(book, intentId);
  const amount = checkRefundable(charge, asked);
  const transfer = reverse ? transferOf(book, charge) : undefined;
  const fee = refundFee ? feeOf(world, charge) : undefined;

  const method = behaviourOf(book, charge.payment_method);
  const later = method.refund !== undefined || method.type !== 'card';
  const refund = book.add('refund', {
    id: newId(world, 're'),
    object: 'refund',
    amount,
    balance_transaction: null,
    charge: charge.id,
    created: seconds(world),
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    destination_details: destinationOf(method.type),
    metadata,
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status:
      insufficient(world, book, charge, amount) || (later && method.refund !== 'fails-later') ? 'pending' : 'succeeded',
    transfer_reversal: null,
  });
  charge.amount_refunded += amount;
  charge.refunded = charge.amount_refunded === charge.amount;
  refund.balance_transaction = post(world, book, {
    type: method.type === 'card' ? 'refund' : 'payment_refund',
    reportingCategory: 'refund',
    amount: -amount,
    currency: charge.currency,
    source: refund.id,
    description: charge.description,
  }).id;
  if (transfer) reverseShare(world, book, charge, transfer, refund);
  if (fee) returnFee(world, fee, charge, amount);

  world.effects.record({
    kind: 'refund',
    id: refund.id,
    jobId: jobIdOf(metadata),
    detail: { amount, currency: charge.currency, charge: charge.id, paymentIntent: charge.payment_intent },
  });
  const kind = method.refund === 'fails-later' ? 'refund-fails' : 'refund-ends';
  if (kind === 'refund-fails' || refund.status === 'pending') {
    world.schedule(book, { kind, id: refund.id, dueInMs: ENDS_AFTER_MS });
  }
  world.emit(book, 'refund.created', refund);
  world.emit(book, 'charge.refunded', charge);
  return refund;
}

/** A pending refund ends, or one that had succeeded comes back from the bank. */
export function endRefund(world: World, book: Book, refund: Refund, outcome: 'succeeded' | 'failed'): void {
  if (outcome === 'succeeded') {
    refund.status = 'succeeded';
    world.emit(book, 'refund.updated', refund);
    return;
  }
  refund.status = 'failed';
  refund.failure_reason = 'lost_or_stolen_card';
  refund.failure_balance_transaction = post(world, book, {
    type: 'refund_failure',
    reportingCategory: 'refund_failure',
    amount: refund.amount,
    currency: refund.currency,
    source: refund.id,
  }).id;
  const charge = book.get('charge', refund.charge ?? '');
  if (charge) {
    charge.amount_refunded -= refund.amount;
    charge.refunded = false;
  }
  world.emit(book, 'refund.failed', refund);
  world.emit(book, 'charge.refund.updated', refund);
}

function findCharge(book: Book, id: string): Charge {
  const charge = book.get('charge', id);
  if (!charge) throw missing('charge', id, { param: 'charge', inPath: false });
  return charge;
}

function chargeOfIntent(book: Book, id: string): Charge {
  const intent = book.get('payment_intent', id);
  if (!intent) throw missing('payment_intent', id, { param: 'payment_intent', inPath: false });
  const charge = intent.latest_charge === null ? undefined : book.get('charge', intent.latest_charge);
  if (charge?.status !== 'succeeded') {
    throw invalidRequest(`This PaymentIntent (${id}) does not have a successful charge to refund.`, undefined, {
      param: 'payment_intent',
    });
  }
  return charge;
}

function checkRefundable(charge: Charge, asked: number | undefined): number {
  if (charge.status !== 'succeeded') {
    throw invalidRequest(`Charge ${charge.id} has not succeeded and cannot be refunded.`, undefined, {
      param: 'charge',
    });
  }
  if (!charge.captured) {
    throw invalidRequest(
      'You cannot refund uncaptured charges created by the Payment Intents API. You must cancel the PaymentIntent instead.',
    );
  }
  if (charge.disputed)
    throw invalidRequest(`Charge ${charge.id} has been charged back; cannot issue a refund.`, 'charge_disputed');
  // What was not captured counts as refunded, so this is what is left of the captured part.
  const left = charge.amount - charge.amount_refunded;
  if (left === 0) throw invalidRequest(`Charge ${charge.id} has already been refunded.`, 'charge_already_refunded');
  const amount = asked ?? left;
  if (amount > left) {
    // Stripe gives no code for this one.
    throw invalidRequest(
      `Refund amount (${money(amount, charge.currency)}) is greater than unrefunded amount on charge (${money(left, charge.currency)})`,
      undefined,
      { param: 'amount' },
    );
  }
  return amount;
}

/** Without enough balance a refund waits: https://docs.stripe.com/refunds#insufficient-balance */
function insufficient(world: World, book: Book, charge: Charge, amount: number): boolean {
  const { available, pending } = funds(world, book, charge.currency);
  return available + pending < amount;
}

function transferOf(book: Book, charge: Charge): Transfer {
  const transfer = charge.transfer === undefined ? undefined : book.get('transfer', charge.transfer);
  if (transfer) return transfer;
  throw invalidRequest('Cannot reverse transfer on charge that was not made with a destination.', undefined, {
    param: 'reverse_transfer',
  });
}

function feeOf(world: World, charge: Charge): ApplicationFee {
  const fee = world.state.platform.get('application_fee', charge.application_fee ?? '');
  if (fee) return fee;
  throw invalidRequest('Cannot refund application fee on charge that has none.', undefined, {
    param: 'refund_application_fee',
  });
}

function reverseShare(world: World, book: Book, charge: Charge, transfer: Transfer, refund: Refund): void {
  const share = Math.min(
    Math.round((transfer.amount * refund.amount) / charge.amount_captured),
    transfer.amount - transfer.amount_reversed,
  );
  if (share > 0) refund.transfer_reversal = takeBack(world, book, transfer, share, {}, refund.id).id;
}

function returnFee(world: World, fee: ApplicationFee, charge: Charge, amount: number): void {
  const { platform } = world.state;
  const share = Math.min(Math.round((fee.amount * amount) / charge.amount_captured), fee.amount - fee.amount_refunded);
  fee.amount_refunded += share;
  fee.refunded = fee.amount_refunded === fee.amount;
  const posting = { currency: fee.currency, source: fee.id, reportingCategory: 'platform_earning_refund' };
  post(world, platform, { ...posting, type: 'application_fee_refund', amount: -share });
  post(world, world.state.book(fee.account), { ...posting, type: 'adjustment', amount: share });
  world.emit(platform, 'application_fee.refunded', fee);
}

function destinationOf(type: 'card' | 'us_bank_account' | 'sepa_debit'): NonNullable<Refund['destination_details']> {
  if (type === 'card') {
    return { type, card: { reference_status: 'pending', reference_type: 'acquirer_reference_number', type: 'refund' } };
  }
  return { type: type === 'sepa_debit' ? 'sepa_bank_transfer' : 'us_bank_transfer' };
}
