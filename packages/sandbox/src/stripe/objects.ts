import type Stripe from 'stripe';

/** An object as it is stored: whatever can be expanded is an id. */
type Stored<T> = { [K in keyof T]: string extends T[K] ? Extract<T[K], string | null | undefined> : T[K] };

export type PaymentIntent = Stored<Stripe.PaymentIntent>;
export type Charge = Stored<Stripe.Charge>;
export type Refund = Stored<Stripe.Refund>;
export type Transfer = Stored<Omit<Stripe.Transfer, 'reversals'>>;
export type TransferReversal = Stored<Stripe.TransferReversal>;
export type Payout = Stored<Stripe.Payout>;
export type BalanceTransaction = Stored<Stripe.BalanceTransaction>;
export type ApplicationFee = Stored<Omit<Stripe.ApplicationFee, 'refunds'>>;
export type Customer = Stored<Stripe.Customer>;
export type PaymentMethod = Stored<Stripe.PaymentMethod>;
export type Dispute = Stored<Stripe.Dispute>;
export type Account = Stored<Stripe.Account>;

/** Any version of an event; its data is the object as it was then. */
export interface Event {
  id: string;
  object: 'event';
  account?: string;
  api_version: string | null;
  created: number;
  data: { object: unknown; previous_attributes?: Record<string, unknown> };
  livemode: boolean;
  pending_webhooks: number;
  request: { id: string | null; idempotency_key: string | null } | null;
  type: string;
}

/** The tables of one account, by the `object` name that Stripe gives their rows. */
export interface Rows {
  payment_intent: PaymentIntent;
  charge: Charge;
  refund: Refund;
  transfer: Transfer;
  transfer_reversal: TransferReversal;
  payout: Payout;
  balance_transaction: BalanceTransaction;
  application_fee: ApplicationFee;
  customer: Customer;
  payment_method: PaymentMethod;
  dispute: Dispute;
  event: Event;
}

export type RowName = keyof Rows;

export const ROW_NAMES: readonly RowName[] = [
  'payment_intent',
  'charge',
  'refund',
  'transfer',
  'transfer_reversal',
  'payout',
  'balance_transaction',
  'application_fee',
  'customer',
  'payment_method',
  'dispute',
  'event',
];
