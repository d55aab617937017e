import type { BookKind, BookState, LedgerRow, ProviderRow } from '@queue-service/providers';
import type { Stripe } from 'stripe';
import { readIfThere } from './call.ts';

export interface StripeBooksOptions {
  stripe: Stripe;
  /** The first moment of the period. */
  from: Date;
  /** The first moment after it. */
  to: Date;
  /** Connected accounts whose payouts are read; default: all of them. */
  accounts?: Iterable<string>;
}

/**
 * Everything at Stripe that was made in a period and that this service could have made: payments, refunds and transfers
 * of the platform, payouts of the connected accounts. Not there: what Stripe makes by itself (the transfer of a
 * destination charge, automatic payouts), for which the ledger has no row of its own.
 * @throws Stripe's own errors; a period is read again as a whole
 */
export async function* listStripeBooks(options: StripeBooksOptions): AsyncGenerator<ProviderRow> {
  const { stripe } = options;
  const page = { created: { gte: seconds(options.from), lt: seconds(options.to) }, limit: 100 };
  for await (const intent of stripe.paymentIntents.list(page)) yield chargeRow(intent);
  for await (const refund of stripe.refunds.list(page)) yield refundRow(refund);
  for await (const transfer of stripe.transfers.list({ ...page, expand: ['data.source_transaction'] })) {
    if (!isPartOfCharge(transfer)) yield transferRow(transfer);
  }
  for await (const account of options.accounts ?? connectedAccounts(stripe)) {
    for await (const payout of stripe.payouts.list(page, { stripeAccount: account })) {
      if (!payout.automatic) yield payoutRow(payout);
    }
  }
}

/**
 * The object of one ledger row, whenever it was made.
 * @returns null when Stripe does not have it, and for a row without the provider's id
 * @throws JobError of a read
 */
export async function findStripeRow(stripe: Stripe, row: LedgerRow, signal: AbortSignal): Promise<ProviderRow | null> {
  const { providerId, account } = row;
  if (providerId === null) return null;
  const there = async <T>(request: () => Promise<T>, rowOf: (object: T) => ProviderRow) => {
    const object = await readIfThere(signal, request);
    return object === null ? null : rowOf(object);
  };
  switch (row.kind) {
    case 'charge':
      return there(() => stripe.paymentIntents.retrieve(providerId), chargeRow);
    case 'refund':
      return there(() => stripe.refunds.retrieve(providerId), refundRow);
    case 'transfer':
      return there(() => stripe.transfers.retrieve(providerId), transferRow);
    case 'payout':
      return there(
        () => stripe.payouts.retrieve(providerId, {}, account === null ? {} : { stripeAccount: account }),
        payoutRow,
      );
    case 'mint':
      return null;
  }
}

async function* connectedAccounts(stripe: Stripe): AsyncGenerator<string> {
  for await (const account of stripe.accounts.list({ limit: 100 })) yield account.id;
}

/** Stripe makes the transfer of a destination charge itself, and names it on the charge. */
function isPartOfCharge(transfer: Stripe.Transfer): boolean {
  const source = transfer.source_transaction;
  if (source === null || typeof source === 'string') return false;
  const made = source.transfer;
  return (typeof made === 'string' ? made : made?.id) === transfer.id;
}

function chargeRow(intent: Stripe.PaymentIntent): ProviderRow {
  // What came in counts, once something did.
  const amount = intent.status === 'succeeded' ? intent.amount_received : intent.amount;
  const state = stateOf(intent.status, ['succeeded'], ['canceled', 'requires_payment_method']);
  return { ...row('charge', intent, state), amount, status: intent.status };
}

function refundRow(refund: Stripe.Refund): ProviderRow {
  const status = refund.status ?? 'pending';
  return { ...row('refund', refund, stateOf(status, ['succeeded'], ['failed', 'canceled'])), status };
}

function transferRow(transfer: Stripe.Transfer): ProviderRow {
  // A part that a refund took back does not undo the transfer: the refund has its own row.
  return { ...row('transfer', transfer, 'moved'), status: transfer.reversed ? 'reversed' : 'paid' };
}

function payoutRow(payout: Stripe.Payout): ProviderRow {
  return { ...row('payout', payout, stateOf(payout.status, ['paid'], ['failed', 'canceled'])), status: payout.status };
}

interface Booked {
  id: string;
  amount: number;
  currency: string;
  created: number;
  metadata: { [key: string]: string } | null;
}

function row(kind: BookKind, object: Booked, state: BookState): Omit<ProviderRow, 'status'> {
  return {
    provider: 'stripe',
    kind,
    providerId: object.id,
    jobId: object.metadata?.queue_job_id ?? null,
    effect: object.metadata?.queue_effect ?? null,
    amount: object.amount,
    currency: object.currency,
    state,
    created: new Date(object.created * 1_000),
  };
}

function stateOf(status: string, moved: readonly string[], notMoved: readonly string[]): BookState {
  if (moved.includes(status)) return 'moved';
  return notMoved.includes(status) ? 'not_moved' : 'open';
}

/** Stripe counts whole seconds: an object of the second in which the period begins belongs to it. */
function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1_000);
}
