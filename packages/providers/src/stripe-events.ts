import { isMoment } from './moment.ts';

/** The part of a Stripe event that is read here; its signature is checked before. */
export interface StripeEvent {
  id: string;
  type: string;
  /** Seconds since 1970. */
  created: number;
  /** Connected account that it happened in. */
  account?: string;
  data: { object: unknown };
}

/** What an object at Stripe means for the ledger. Amounts in minor units. */
export interface StripeLedgerEntry {
  providerId: string;
  operation: 'payment_intents.create' | 'refunds.create' | 'transfers.create' | 'payouts.create' | 'disputes';
  amount: number;
  currency: string;
  /** `confirmed`: the money moved. `rejected`: it did not, or came back. `unknown`: not decided. */
  status: 'unknown' | 'confirmed' | 'rejected';
  /** In Stripe's own words. */
  providerStatus: string;
  /** The payment that it belongs to, by which its tenant is found. */
  paymentIntentId: string | null;
}

/**
 * What one event asks of us.
 * - `wake`: an object of one of our jobs changed. Run the job now; it reads the object's present state itself, so the
 *   order of events does not matter, nor does a repeated one. When the job is over, `ledgerEntry` tells of a late
 *   turn (a refund that came back from the bank).
 * - `external_refund`, `dispute`: done outside this service; the ledger takes `ledgerEntry` in.
 * - `ignore`: nothing of ours.
 *
 * Events come in any order. Of two for one object the one with the later `occurredAt` counts; of two of the same
 * second, the one whose entry is not `unknown`.
 */
export interface StripeEventMeaning {
  kind: 'wake' | 'dispute' | 'external_refund' | 'ignore';
  objectId: string | null;
  jobId: string | null;
  occurredAt: Date;
  /** Connected account, null for the platform. */
  account: string | null;
  ledgerEntry?: StripeLedgerEntry;
}

/** The event types to subscribe to at Stripe; others are ignored. */
export const stripeEventTypes = [
  'payment_intent.succeeded',
  'payment_intent.processing',
  'payment_intent.requires_action',
  'payment_intent.payment_failed',
  'payment_intent.canceled',
  'refund.created',
  'refund.updated',
  'refund.failed',
  'charge.refund.updated',
  'charge.dispute.created',
  'charge.dispute.updated',
  'charge.dispute.closed',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.funds_reinstated',
  'transfer.created',
  'transfer.reversed',
  'payout.created',
  'payout.updated',
  'payout.paid',
  'payout.failed',
  'payout.canceled',
] as const;

const subscribed: ReadonlySet<string> = new Set(stripeEventTypes);

/** A signed body that has the shape of an event, with an id and a time that can be stored; else null. */
export function asStripeEvent(body: unknown): StripeEvent | null {
  const { id, type, created, account, data } = asRecord(body);
  const object = asRecord(data).object;
  if (text(id) === null || text(type) === null || typeof object !== 'object' || object === null) return null;
  if (!isMoment(created) || (account !== undefined && text(account) === null)) return null;
  return body as StripeEvent;
}

/** Reads a Stripe event. Pure; never throws: what does not look as expected is ignored. */
export function readStripeEvent(event: StripeEvent): StripeEventMeaning {
  const object = asRecord(event.data.object);
  const base = {
    objectId: text(object.id),
    jobId: jobIdOf(object),
    occurredAt: new Date(event.created * 1000),
    account: event.account ?? null,
  };
  const ledgerEntry = subscribed.has(event.type) ? entryOf(object) : undefined;
  if (ledgerEntry === undefined) return { ...base, kind: 'ignore' };
  if (ledgerEntry.operation === 'disputes') return { ...base, kind: 'dispute', ledgerEntry };
  if (base.jobId !== null) return { ...base, kind: 'wake', ledgerEntry };
  if (ledgerEntry.operation === 'refunds.create') return { ...base, kind: 'external_refund', ledgerEntry };
  return { ...base, kind: 'ignore' };
}

type EntryStatus = StripeLedgerEntry['status'];

/** Stripe's words, by object. A word that is not here is not decided: new ones must not look like an end. */
const statuses: Readonly<
  Record<string, { operation: StripeLedgerEntry['operation']; words: Readonly<Record<string, EntryStatus>> }>
> = {
  payment_intent: {
    operation: 'payment_intents.create',
    words: { succeeded: 'confirmed', canceled: 'rejected', requires_payment_method: 'rejected' },
  },
  refund: { operation: 'refunds.create', words: { succeeded: 'confirmed', failed: 'rejected', canceled: 'rejected' } },
  payout: { operation: 'payouts.create', words: { paid: 'confirmed', failed: 'rejected', canceled: 'rejected' } },
  dispute: {
    operation: 'disputes',
    // The bank takes the money when it opens a dispute and gives it back when it is won; an inquiry (`warning_*`) takes none.
    words: {
      needs_response: 'confirmed',
      under_review: 'confirmed',
      lost: 'confirmed',
      won: 'rejected',
      prevented: 'rejected',
      warning_closed: 'rejected',
    },
  },
};

function entryOf(object: Record<string, unknown>): StripeLedgerEntry | undefined {
  const providerId = text(object.id);
  const currency = text(object.currency);
  const amount = object.amount;
  if (providerId === null || currency === null || !Number.isSafeInteger(amount)) return undefined;
  if (typeof amount !== 'number' || currency.length > 10) return undefined;
  const shared = { providerId, amount, currency, paymentIntentId: paymentIntentOf(object) };
  if (object.object === 'transfer') {
    // A transfer has no status: it is made whole, and at most reversed.
    const reversed = object.reversed === true;
    return {
      ...shared,
      operation: 'transfers.create',
      status: reversed ? 'rejected' : 'confirmed',
      providerStatus: reversed ? 'reversed' : 'paid',
    };
  }
  const known = statuses[String(object.object)];
  const providerStatus = text(object.status);
  if (known === undefined || providerStatus === null) return undefined;
  return { ...shared, operation: known.operation, status: known.words[providerStatus] ?? 'unknown', providerStatus };
}

function paymentIntentOf(object: Record<string, unknown>): string | null {
  if (object.object === 'payment_intent') return text(object.id);
  return text(object.payment_intent) ?? text(asRecord(object.payment_intent).id);
}

/** Metadata can be edited by hand in the dashboard: what is no job id is none. */
function jobIdOf(object: Record<string, unknown>): string | null {
  const id = text(asRecord(object.metadata).queue_job_id);
  return id !== null && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id) ? id.toLowerCase() : null;
}

/** Text that PostgreSQL takes, and no longer than any id is. */
function text(value: unknown): string | null {
  const fits = typeof value === 'string' && value.length <= 255 && value.isWellFormed() && !value.includes('\0');
  return fits ? value : null;
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
