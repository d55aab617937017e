import type { BalanceTransaction } from './objects.ts';
import type { Book } from './state.ts';
import { newId, seconds, type World } from './world.ts';

const DAY_S = 24 * 60 * 60;
/** Card funds are pending for two days: https://docs.stripe.com/payouts#payout-schedule */
const PENDING_S = 2 * DAY_S;

export interface Posting {
  type: BalanceTransaction['type'];
  reportingCategory: string;
  amount: number;
  currency: string;
  source: string;
  description?: string | null;
  feeDetails?: BalanceTransaction['fee_details'];
  /** Pending for two days, as card charges are. */
  pending?: boolean;
}

/** Writes one movement of the account's balance. */
export function post(world: World, book: Book, posting: Posting): BalanceTransaction {
  const now = seconds(world);
  const feeDetails = posting.feeDetails ?? [];
  const fee = feeDetails.reduce((sum, detail) => sum + detail.amount, 0);
  const transaction = book.add('balance_transaction', {
    id: newId(world, 'txn'),
    object: 'balance_transaction',
    amount: posting.amount,
    available_on: posting.pending ? now + PENDING_S : now,
    balance_type: 'payments',
    created: now,
    currency: posting.currency,
    description: posting.description ?? null,
    exchange_rate: null,
    fee,
    fee_details: feeDetails,
    net: posting.amount - fee,
    reporting_category: posting.reportingCategory,
    source: posting.source,
    status: posting.pending ? 'pending' : 'available',
    type: posting.type,
  });
  book.money.add(transaction);
  return transaction;
}

/** Stripe's processing fee, here 2.9 % + 30 of the minor unit. */
export function processingFee(amount: number, currency: string): BalanceTransaction['fee_details'][number] {
  return {
    amount: Math.round(amount * 0.029) + 30,
    application: null,
    currency,
    description: 'Stripe processing fees',
    type: 'stripe_fee',
  };
}

export function applicationFeeDetail(amount: number, currency: string): BalanceTransaction['fee_details'][number] {
  return {
    amount,
    application: PLATFORM_APPLICATION,
    currency,
    description: 'application fee',
    type: 'application_fee',
  };
}

/** The Connect application that fees are named after. */
export const PLATFORM_APPLICATION = 'ca_SandboxPlatformApplication';

/** Available and pending funds of an account in one currency, in minor units. */
export function funds(world: World, book: Book, currency: string): { available: number; pending: number } {
  const { settled, pending } = book.money.sums(currency, seconds(world));
  return { available: (book.opening.get(currency) ?? world.settings.openingBalance) + settled, pending };
}

/** `GET /v1/balance`. */
export function balance(world: World, book: Book) {
  const currencies = new Set([...book.opening.keys(), ...book.money.currencies]);
  if (currencies.size === 0) currencies.add('usd');
  const rows = [...currencies].map((currency) => ({ currency, ...funds(world, book, currency) }));
  return {
    object: 'balance',
    available: rows.map(({ currency, available }) => ({
      amount: available,
      currency,
      source_types: { card: available },
    })),
    connect_reserved: rows.map(({ currency }) => ({ amount: 0, currency })),
    livemode: false,
    pending: rows.map(({ currency, pending }) => ({ amount: pending, currency, source_types: { card: pending } })),
  };
}

/** Transactions turn from pending to available when their day has come. */
export function makeAvailable(world: World, book: Book): void {
  for (const currency of book.money.currencies) book.money.sums(currency, seconds(world));
}
