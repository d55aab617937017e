import { bankAccountOf } from './accounts.ts';
import { checkCurrency } from './currencies.ts';
import { invalidRequest } from './errors.ts';
import { funds, post } from './ledger.ts';
import type { Payout } from './objects.ts';
import type { Params } from './params.ts';
import type { Book } from './state.ts';
import { jobIdOf, newId, seconds, type World } from './world.ts';

export const PAYOUT_PARAMS = [
  'amount',
  'currency',
  'description',
  'destination',
  'metadata',
  'method',
  'payout_method',
  'source_type',
  'statement_descriptor',
] as const;

const ARRIVES_AFTER_S = 2 * 24 * 60 * 60;
const LEAVES_AFTER_MS = 60 * 60 * 1000;

/** `POST /v1/payouts`, for a connected account with the `Stripe-Account` header. @throws StripeFailure `payouts_not_allowed`, `balance_insufficient` */
export function createPayout(world: World, book: Book, params: Params): Payout {
  const amount = params.requiredAmount('amount');
  const currency = checkCurrency(params.requiredText('currency'));
  const description = params.text('description') ?? null;
  const metadata = params.metadata();
  const method = params.oneOf('method', ['standard', 'instant']) ?? 'standard';
  const sourceType = params.oneOf('source_type', ['card', 'bank_account', 'fpx']) ?? 'card';
  const statementDescriptor = params.text('statement_descriptor') ?? null;
  const destination = params.text('destination') ?? bankAccountOf(book.account);
  params.text('payout_method');

  if (world.state.accounts.get(book.account)?.account.payouts_enabled === false) {
    throw invalidRequest(
      'Cannot create payouts; this account has requirements that need to be collected.',
      'payouts_not_allowed',
    );
  }
  if (amount > funds(world, book, currency).available) {
    throw invalidRequest(
      'You have insufficient funds in your Stripe account for this transfer. Your card balance is too low. You can use the the /v1/balance endpoint to view your Stripe balance (for more details, see stripe.com/docs/api#balance).',
      'balance_insufficient',
      { param: 'amount' },
    );
  }
  const now = seconds(world);
  const payout = book.add('payout', {
    id: newId(world, 'po'),
    object: 'payout',
    amount,
    application_fee: null,
    application_fee_amount: null,
    arrival_date: method === 'instant' ? now : now + ARRIVES_AFTER_S,
    automatic: false,
    balance_transaction: null,
    created: now,
    currency,
    description,
    destination,
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    livemode: false,
    metadata,
    method,
    original_payout: null,
    payout_method: null,
    reconciliation_status: 'not_applicable',
    reversed_by: null,
    source_type: sourceType,
    statement_descriptor: statementDescriptor,
    status: 'pending',
    trace_id: { status: 'pending', value: null },
    type: 'bank_account',
  });
  payout.balance_transaction = post(world, book, {
    type: 'payout',
    reportingCategory: 'payout',
    amount: -amount,
    currency,
    source: payout.id,
    description: description ?? 'STRIPE PAYOUT',
  }).id;
  world.effects.record({
    kind: 'payout',
    id: payout.id,
    jobId: jobIdOf(metadata),
    detail: { amount, currency, account: book.account },
  });
  world.schedule(book, { kind: 'payout-leaves', id: payout.id, dueInMs: LEAVES_AFTER_MS });
  world.schedule(book, { kind: 'payout-arrives', id: payout.id, dueInMs: (ARRIVES_AFTER_S + 1) * 1000 });
  world.emit(book, 'payout.created', payout);
  return payout;
}

/** `POST /v1/payouts/:id/cancel`: only before it was sent to the bank. */
export function cancelPayout(world: World, book: Book, payout: Payout): Payout {
  if (payout.status !== 'pending') {
    throw invalidRequest(
      `Payouts can only be canceled while they are pending; this one is ${payout.status}.`,
      'payout_cancellation_not_allowed',
    );
  }
  payout.status = 'canceled';
  post(world, book, {
    type: 'payout_cancel',
    reportingCategory: 'payout_reversal',
    amount: payout.amount,
    currency: payout.currency,
    source: payout.id,
  });
  world.emit(book, 'payout.canceled', payout);
  return payout;
}

/** The bank took the payout, or sent it back. */
export function endPayout(world: World, book: Book, payout: Payout, outcome: 'paid' | 'failed'): void {
  payout.status = outcome;
  if (outcome === 'failed') {
    payout.failure_code = 'account_closed';
    payout.failure_message = 'The bank account has been closed';
    payout.failure_balance_transaction = post(world, book, {
      type: 'payout_failure',
      reportingCategory: 'payout_reversal',
      amount: payout.amount,
      currency: payout.currency,
      source: payout.id,
    }).id;
  }
  world.emit(book, `payout.${outcome}`, payout);
}

/** The payout is on its way to the bank and can no longer be canceled. */
export function sendPayout(world: World, book: Book, payout: Payout): void {
  payout.status = 'in_transit';
  world.emit(book, 'payout.updated', payout);
}
