import type { LedgerRow, ProviderRow } from './books.ts';

/** One way in which the books disagree. Amounts are minor units. */
export type Difference =
  | { kind: 'ledger_only'; ledger: LedgerRow }
  | { kind: 'provider_only'; provider: ProviderRow }
  | { kind: 'amount_differs'; ledger: LedgerRow; provider: ProviderRow }
  | { kind: 'status_differs'; ledger: LedgerRow; provider: ProviderRow };

/**
 * Compares our rows with a provider's, both of one period. Rows are matched by the provider's id; a row of ours that
 * never learned it, by job and effect. Two objects of one effect are a doubled effect: one matches, the other is
 * `provider_only`.
 *
 * No difference: a row of ours that is still open or moved nothing and that the provider does not have; an object that
 * moved nothing and that we do not have (a declined attempt).
 */
export function compareBooks(ledger: readonly LedgerRow[], provider: readonly ProviderRow[]): Difference[] {
  const unmatched = new Map(provider.map((row) => [idOf(row), row]));
  const differences: Difference[] = [];
  const withoutId: LedgerRow[] = [];

  const settle = (row: LedgerRow, found: ProviderRow | undefined) => {
    if (found === undefined) {
      if (row.state === 'moved') differences.push({ kind: 'ledger_only', ledger: row });
      return;
    }
    unmatched.delete(idOf(found));
    differences.push(...comparePair(row, found));
  };

  for (const row of ledger) {
    if (row.providerId === null) withoutId.push(row);
    else settle(row, unmatched.get(`${row.provider} ${row.kind} ${row.providerId}`));
  }
  const byMark = Map.groupBy(unmatched.values(), markOf);
  for (const row of withoutId) {
    const candidates = (row.jobId === null ? undefined : byMark.get(markOf(row))) ?? [];
    settle(row, candidates.toSorted((a, b) => weight(b) - weight(a))[0]);
  }
  for (const row of unmatched.values()) {
    if (row.state !== 'not_moved') differences.push({ kind: 'provider_only', provider: row });
  }
  return differences;
}

export interface BooksToReconcile {
  /** Our rows of the period. */
  ledger: readonly LedgerRow[];
  /** The provider's rows of the same period. */
  provider: readonly ProviderRow[];
  /** Asks the ledger for the row of an object, whenever it was: by its id, else by job and effect. */
  findInLedger(row: ProviderRow): Promise<LedgerRow | null>;
  /** Asks the provider for the object of a row, whenever it was. */
  findAtProvider(row: LedgerRow): Promise<ProviderRow | null>;
}

/**
 * `compareBooks`, then a second look at every difference. Without it every effect that was begun on one side of the
 * period's edge and finished on the other would be reported, and every one that ended between the two readings.
 */
export async function reconcileBooks(books: BooksToReconcile): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const difference of compareBooks(books.ledger, books.provider)) {
    differences.push(...(await secondLook(books, difference)));
  }
  return differences;
}

async function secondLook(books: BooksToReconcile, difference: Difference): Promise<Difference[]> {
  switch (difference.kind) {
    case 'ledger_only': {
      const found = await books.findAtProvider(difference.ledger);
      return found === null ? [difference] : comparePair(difference.ledger, found);
    }
    case 'provider_only': {
      const found = await books.findInLedger(difference.provider);
      // Our row names another object: this one is a second effect of the same job.
      const another =
        found !== null && found.providerId !== null && found.providerId !== difference.provider.providerId;
      return found === null || another ? [difference] : comparePair(found, difference.provider);
    }
    default: {
      // Both were read at different moments, and a job may have ended, or money moved, between them.
      const ledger = (await books.findInLedger(difference.provider)) ?? difference.ledger;
      if (ledger.effectId !== difference.ledger.effectId) return [difference];
      const provider = (await books.findAtProvider(ledger)) ?? difference.provider;
      return comparePair(ledger, provider).filter(({ kind }) => kind === difference.kind);
    }
  }
}

function comparePair(ledger: LedgerRow, provider: ProviderRow): Difference[] {
  const differences: Difference[] = [];
  const amount = ledger.amount !== null && provider.amount !== null && ledger.amount !== provider.amount;
  const currency =
    ledger.currency !== null &&
    provider.currency !== null &&
    ledger.currency.toLowerCase() !== provider.currency.toLowerCase();
  if (amount || currency) differences.push({ kind: 'amount_differs', ledger, provider });
  // While the job runs the provider is ahead of it, which is no fault.
  if (ledger.state !== 'open' && ledger.state !== provider.state)
    differences.push({ kind: 'status_differs', ledger, provider });
  return differences;
}

const idOf = (row: ProviderRow) => `${row.provider} ${row.kind} ${row.providerId}`;
const markOf = (row: ProviderRow | LedgerRow) => `${row.provider} ${row.kind} ${row.jobId} ${row.effect}`;
const weight = (row: ProviderRow) => ({ moved: 2, open: 1, not_moved: 0 })[row.state];
