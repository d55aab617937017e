import { blankCharge } from './blank-charge.ts';
import { applicationFeeDetail, PLATFORM_APPLICATION, post, processingFee } from './ledger.ts';
import type { Charge, PaymentIntent } from './objects.ts';
import { behaviourOf, chargeDetails } from './payment-methods.ts';
import { type Book, PLATFORM } from './state.ts';
import type { Decline } from './test-methods.ts';
import { moveToAccount } from './transfers.ts';
import { jobIdOf, newId, seconds, type World } from './world.ts';

export type ChargeOutcome =
  | { kind: 'captured' }
  | { kind: 'authorized' }
  | { kind: 'pending' }
  | { kind: 'declined'; decline: Decline };

/** Makes the charge of a confirmed intent, moves the money of a captured one, and tells the events. */
export function createCharge(world: World, book: Book, intent: PaymentIntent, outcome: ChargeOutcome): Charge {
  const method = behaviourOf(book, intent.payment_method);
  const declined = outcome.kind === 'declined' ? outcome.decline : undefined;
  const charge = book.add('charge', {
    ...blankCharge(world, newId(world, method.type === 'card' ? 'ch' : 'py'), intent.amount, intent.currency),
    application: book.account === PLATFORM ? null : PLATFORM_APPLICATION,
    application_fee_amount: intent.application_fee_amount,
    customer: intent.customer,
    description: intent.description,
    failure_code: declined?.code ?? null,
    failure_message: declined?.message ?? null,
    metadata: { ...intent.metadata },
    on_behalf_of: intent.on_behalf_of,
    outcome: outcomeOf(declined),
    paid: !declined,
    payment_intent: intent.id,
    payment_method: intent.payment_method,
    payment_method_details: chargeDetails(method, intent.amount) as Charge['payment_method_details'],
    receipt_email: intent.receipt_email,
    status: declined ? 'failed' : outcome.kind === 'pending' ? 'pending' : 'succeeded',
    transfer_data: intent.transfer_data
      ? { amount: intent.transfer_data.amount ?? null, destination: intent.transfer_data.destination as string }
      : null,
    transfer_group: intent.transfer_group ?? (intent.transfer_data ? `group_${intent.id}` : null),
  });
  const detail = { amount: charge.amount, currency: charge.currency, paymentIntent: intent.id, account: book.account };
  const kind = declined ? 'declined_charge' : outcome.kind === 'authorized' ? 'authorization' : 'charge';
  world.effects.record({ kind, id: charge.id, jobId: jobIdOf(intent.metadata), detail });

  if (outcome.kind === 'captured') settleCharge(world, book, charge, charge.amount);
  if (outcome.kind === 'pending') charge.captured = true;
  const event = { captured: 'succeeded', authorized: 'succeeded', pending: 'pending', declined: 'failed' }[
    outcome.kind
  ];
  world.emit(book, `charge.${event}`, charge);
  return charge;
}

/** The money of a charge arrives: the processing fee is taken, the application fee and the destination get their share. */
export function settleCharge(world: World, book: Book, charge: Charge, amount: number): void {
  const method = behaviourOf(book, charge.payment_method);
  const destination = charge.transfer_data?.destination as string | undefined;
  const direct = book.account !== PLATFORM;
  const fee = charge.application_fee_amount;
  const feeDetails = [processingFee(amount, charge.currency)];
  if (direct && fee) feeDetails.push(applicationFeeDetail(fee, charge.currency));

  charge.status = 'succeeded';
  charge.captured = true;
  charge.amount_captured = amount;
  charge.balance_transaction = post(world, book, {
    type: method.type === 'card' ? 'charge' : 'payment',
    reportingCategory: 'charge',
    amount,
    currency: charge.currency,
    source: charge.id,
    description: charge.description,
    feeDetails,
    pending: !method.bypassPending,
  }).id;

  if (destination) {
    const transfer = moveToAccount(world, {
      amount: charge.transfer_data?.amount ?? amount,
      currency: charge.currency,
      destination,
      sourceTransaction: charge.id,
      transferGroup: charge.transfer_group,
      description: null,
      metadata: {},
      fee: fee ?? 0,
    });
    charge.transfer = transfer.id;
    if (fee) charge.application_fee = chargeApplicationFee(world, charge, destination, fee);
  } else if (direct && fee) {
    charge.application_fee = chargeApplicationFee(world, charge, book.account, fee);
  }
}

function chargeApplicationFee(world: World, charge: Charge, account: string, amount: number): string {
  const platform = world.state.platform;
  const fee = platform.add('application_fee', {
    id: newId(world, 'fee'),
    object: 'application_fee',
    account,
    amount,
    amount_refunded: 0,
    application: PLATFORM_APPLICATION,
    balance_transaction: null,
    charge: charge.id,
    created: seconds(world),
    currency: charge.currency,
    fee_source: { charge: charge.id, type: 'charge' },
    livemode: false,
    originating_transaction: account === PLATFORM ? null : charge.id,
    refunded: false,
  });
  fee.balance_transaction = post(world, platform, {
    type: 'application_fee',
    reportingCategory: 'platform_earning',
    amount,
    currency: charge.currency,
    source: fee.id,
    description: 'Application fee',
  }).id;
  world.emit(platform, 'application_fee.created', fee);
  return fee.id;
}

function outcomeOf(decline: Decline | undefined): Charge['outcome'] {
  return {
    advice_code: decline?.advice ?? null,
    network_advice_code: null,
    network_decline_code: decline ? '01' : null,
    network_status: decline ? 'declined_by_network' : 'approved_by_network',
    reason: decline ? (decline.declineCode ?? decline.code) : null,
    risk_level: 'normal',
    seller_message: decline ? 'The bank did not return any further details with this decline.' : 'Payment complete.',
    type: decline ? 'issuer_declined' : 'authorized',
  } as Charge['outcome'];
}
