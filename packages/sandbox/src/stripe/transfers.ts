import { blankCharge } from './blank-charge.ts';
import { checkCurrency } from './currencies.ts';
import { invalidRequest, missing } from './errors.ts';
import { applicationFeeDetail, funds, post } from './ledger.ts';
import type { Transfer, TransferReversal } from './objects.ts';
import type { Params } from './params.ts';
import type { Book } from './state.ts';
import { jobIdOf, newId, seconds, type World } from './world.ts';

export const TRANSFER_PARAMS = [
  'amount',
  'currency',
  'destination',
  'description',
  'metadata',
  'source_transaction',
  'source_type',
  'transfer_group',
] as const;

interface Movement {
  amount: number;
  currency: string;
  destination: string;
  sourceTransaction: string | null;
  transferGroup: string | null;
  description: string | null;
  metadata: Record<string, string>;
  /** Application fee that the destination pays out of it. */
  fee: number;
}

/** `POST /v1/transfers`: separate charges and transfers. */
export function createTransfer(world: World, book: Book, params: Params): Transfer {
  const currency = checkCurrency(params.requiredText('currency'));
  const destination = params.requiredText('destination');
  const sourceTransaction = params.text('source_transaction') ?? null;
  const transferGroup = params.text('transfer_group') ?? null;
  const description = params.text('description') ?? null;
  const metadata = params.metadata();
  params.oneOf('source_type', ['card', 'bank_account', 'fpx']);
  const source = sourceTransaction === null ? undefined : sourceCharge(book, sourceTransaction, currency);
  const amount = params.amount('amount') ?? source?.left ?? params.requiredAmount('amount');

  checkDestination(world, destination);
  if (source && amount > source.left) {
    throw invalidRequest(
      `The transfer amount of ${amount} ${currency} is more than what is left of the source_transaction's charge (${source.left}).`,
      undefined,
      { param: 'amount' },
    );
  }
  if (!source && amount > funds(world, book, currency).available) {
    throw invalidRequest(
      'You have insufficient available funds in your Stripe account. Try adding funds directly to your available balance by creating Charges using the 4000000000000077 test card. See: https://stripe.com/docs/testing#available-balance',
      'balance_insufficient',
    );
  }
  const group =
    transferGroup ?? source?.charge.transfer_group ?? (source ? `group_${source.charge.payment_intent}` : null);
  const movement = {
    amount,
    currency,
    destination,
    sourceTransaction,
    transferGroup: group,
    description,
    metadata,
    fee: 0,
  };
  const transfer = moveToAccount(world, movement);
  if (source && source.charge.transfer_group === null) source.charge.transfer_group = group;
  return transfer;
}

/** Moves money from the platform to a connected account, which gets a `py_` payment of it. */
export function moveToAccount(world: World, movement: Movement): Transfer {
  const { platform } = world.state;
  const destinationBook = world.state.book(movement.destination);
  const transfer = platform.add('transfer', {
    id: newId(world, 'tr'),
    object: 'transfer',
    amount: movement.amount,
    amount_reversed: 0,
    balance_transaction: null,
    created: seconds(world),
    currency: movement.currency,
    description: movement.description,
    destination: movement.destination,
    livemode: false,
    metadata: movement.metadata,
    reversed: false,
    source_transaction: movement.sourceTransaction,
    source_type: 'card',
    transfer_group: movement.transferGroup,
  });
  const shared = { currency: movement.currency, pending: movement.sourceTransaction !== null };
  transfer.balance_transaction = post(world, platform, {
    ...shared,
    type: 'transfer',
    reportingCategory: 'transfer',
    amount: -movement.amount,
    source: transfer.id,
    description: movement.description,
  }).id;

  const payment = destinationBook.add('charge', {
    ...blankCharge(world, newId(world, 'py'), movement.amount, movement.currency),
    amount_captured: movement.amount,
    captured: true,
    source_transfer: transfer.id,
  });
  payment.balance_transaction = post(world, destinationBook, {
    ...shared,
    type: 'payment',
    reportingCategory: 'transfer',
    amount: movement.amount,
    source: payment.id,
    feeDetails: movement.fee > 0 ? [applicationFeeDetail(movement.fee, movement.currency)] : [],
  }).id;
  transfer.destination_payment = payment.id;

  world.effects.record({
    kind: 'transfer',
    id: transfer.id,
    jobId: jobIdOf(movement.metadata),
    detail: { amount: movement.amount, currency: movement.currency, destination: movement.destination },
  });
  world.emit(platform, 'transfer.created', transfer);
  return transfer;
}

/** `POST /v1/transfers/:id/reversals`. */
export function reverseTransfer(world: World, book: Book, transfer: Transfer, params: Params): TransferReversal {
  const metadata = params.metadata();
  const left = transfer.amount - transfer.amount_reversed;
  const amount = params.amount('amount') ?? left;
  params.text('description');
  params.flag('refund_application_fee');
  if (left === 0) throw invalidRequest(`Transfer ${transfer.id} has already been fully reversed.`);
  if (amount > left) {
    throw invalidRequest(
      `Reversal amount (${amount}) is greater than the unreversed amount on the transfer (${left}).`,
      undefined,
      {
        param: 'amount',
      },
    );
  }
  return takeBack(world, book, transfer, amount, metadata, null);
}

/** Takes money back from the destination; `refund` is the refund that caused it. */
export function takeBack(
  world: World,
  book: Book,
  transfer: Transfer,
  amount: number,
  metadata: Record<string, string>,
  refund: string | null,
): TransferReversal {
  const reversal = book.add('transfer_reversal', {
    id: newId(world, 'trr'),
    object: 'transfer_reversal',
    amount,
    balance_transaction: null,
    created: seconds(world),
    currency: transfer.currency,
    destination_payment_refund: null,
    metadata,
    source_refund: refund,
    transfer: transfer.id,
  });
  transfer.amount_reversed += amount;
  transfer.reversed = transfer.amount_reversed === transfer.amount;
  const shared = { currency: transfer.currency, source: reversal.id };
  reversal.balance_transaction = post(world, book, {
    ...shared,
    type: 'transfer_refund',
    reportingCategory: 'transfer_reversal',
    amount,
  }).id;
  const destination = world.state.book(transfer.destination as string);
  post(world, destination, {
    ...shared,
    type: 'payment_refund',
    reportingCategory: 'transfer_reversal',
    amount: -amount,
  });
  world.effects.record({
    kind: 'transfer_reversal',
    id: reversal.id,
    jobId: jobIdOf(metadata),
    detail: { amount, currency: transfer.currency, transfer: transfer.id },
  });
  world.emit(book, 'transfer.reversed', transfer);
  return reversal;
}

/** @throws StripeFailure when the account is unknown, not connected any more, or may not receive transfers. */
export function checkDestination(world: World, destination: string, param = 'destination'): void {
  const entry = world.state.accounts.get(destination);
  if (!entry || entry.revoked) throw missing('destination', destination, { param, inPath: false });
  if (entry.account.capabilities?.transfers !== 'active') {
    throw invalidRequest(
      'Your destination account needs to have at least one of the following capabilities enabled: transfers, crypto_transfers, legacy_payments',
      'insufficient_capabilities_for_transfer',
      { param },
    );
  }
}

function sourceCharge(book: Book, id: string, currency: string) {
  const charge = book.get('charge', id);
  if (!charge) throw missing('charge', id, { param: 'source_transaction', inPath: false });
  if (charge.status !== 'succeeded' || !charge.captured) {
    throw invalidRequest(`The source_transaction ${id} has no captured funds to transfer.`, undefined, {
      param: 'source_transaction',
    });
  }
  if (charge.currency !== currency) {
    throw invalidRequest(
      `The currency of source_transaction's balance transaction (${charge.currency}) must be the same as the transfer currency (${currency})`,
      undefined,
      { param: 'currency' },
    );
  }
  const sent = book
    .all('transfer')
    .filter((transfer) => transfer.source_transaction === id)
    .reduce((sum, transfer) => sum + transfer.amount - transfer.amount_reversed, 0);
  return { charge, left: charge.amount_captured - sent };
}
