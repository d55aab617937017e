/** What both sides keep books of. */
export type BookKind = 'charge' | 'refund' | 'transfer' | 'payout' | 'mint';
export type BookProvider = 'stripe' | 'solana';

/**
 * What a row says of the money (or the token): it moved, it did not and will not, or that is not decided yet.
 * Both sides are brought to these three words, because their own are not comparable.
 */
export type BookState = 'moved' | 'not_moved' | 'open';

/** One object at a provider. */
export interface ProviderRow {
  provider: BookProvider;
  kind: BookKind;
  providerId: string;
  /** The job that made it, by the mark we put on it; null for what was made by hand. */
  jobId: string | null;
  /** Name of the effect within the job. */
  effect: string | null;
  /** Minor units; null where nothing is counted (a mint). */
  amount: number | null;
  currency: string | null;
  /** In the provider's own words. */
  status: string;
  state: BookState;
  created: Date;
}

/** One row of `effects` with what its job says. */
export interface LedgerRow {
  effectId: string;
  provider: BookProvider;
  kind: BookKind;
  jobId: string | null;
  effect: string;
  /** Null as long as nobody has told it. */
  providerId: string | null;
  /** Connected account that it happened in; null for the platform's own. */
  account: string | null;
  amount: number | null;
  currency: string | null;
  state: BookState;
  /** When the effect was first intended. */
  created: Date;
}

const kinds: Readonly<Record<string, BookKind>> = {
  'payment_intents.confirm': 'charge',
  // Of versions that created and confirmed in one request, and of what was made in the dashboard.
  'payment_intents.create': 'charge',
  'refunds.create': 'refund',
  'transfers.create': 'transfer',
  'payouts.create': 'payout',
  'tokens.mint': 'mint',
};

/** The kind that an effect's operation is booked under; null for what moves nothing itself (a cancel, a dispute). */
export function bookKindOf(operation: string): BookKind | null {
  return kinds[operation] ?? null;
}

export type EffectStatus = 'planned' | 'sent' | 'unknown' | 'confirmed' | 'rejected' | 'void';
export type BookedJobStatus = 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled';

/**
 * What the ledger claims of one effect.
 *
 * A confirmed effect only says that the provider has the object: a bank debit may still fail, a refund may come back.
 * It is the end of the job that says how it went. An effect without an answer on a job that failed counts as "did not
 * move", since that is what everybody who reads the job believes: if the provider disagrees, it must be reported.
 * @param jobStatus null for what was done in the provider's dashboard; its effect status is all there is
 */
export function ledgerState(effectStatus: EffectStatus, jobStatus: BookedJobStatus | null): BookState {
  if (effectStatus === 'rejected' || effectStatus === 'void') return 'not_moved';
  switch (jobStatus) {
    case null:
      return effectStatus === 'confirmed' ? 'moved' : 'open';
    case 'completed':
      return 'moved';
    case 'failed':
    case 'cancelled':
      return 'not_moved';
    case 'pending':
    case 'processing':
      return 'open';
  }
}
