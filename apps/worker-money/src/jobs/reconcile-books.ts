import { hour, type JobPayload, type JobResult, PermanentError, platformTenant } from '@queue-service/contracts';
import { type Difference, type ProviderRow, reconcileBooks } from '@queue-service/providers';
import type { Handler } from '@queue-service/queue';
import type { Books } from '../books.ts';

/** One comparison and all that it found. */
export interface Reconciliation {
  /** Of the job: a repeated attempt replaces what an earlier one kept. */
  id: string;
  from: Date;
  to: Date;
  ledgerRows: number;
  providerRows: number;
  differences: readonly Difference[];
}

export interface ReconcileBooksOptions {
  books: Books;
  /** Keeps what was found where people can read it, and tells that the books differ or agree again. */
  keep(reconciliation: Reconciliation): Promise<void>;
}

type Result = JobResult<'reconcile-books'>;

/** Differences in the job's own result; all of them are kept. */
const mostInBrief = 20;

/** Reads both sides of a period and compares them. Needs no effect: nothing is changed anywhere outside. */
export function createReconcileBooks({ books, keep }: ReconcileBooksOptions): Handler<'reconcile-books'> {
  return async (payload, ctx) => {
    if (ctx.tenantId !== platformTenant) {
      throw new PermanentError({ code: 'platform_only', message: 'The books are those of all tenants' });
    }
    const { from, to } = periodOf(payload, ctx.createdAt);
    const provider: ProviderRow[] = [];
    for await (const row of books.provider(from, to)) {
      ctx.signal.throwIfAborted();
      provider.push(row);
    }
    const ledger = await books.ledger(from, to);
    const differences = await reconcileBooks({
      ledger,
      provider,
      findInLedger: (row) => books.findInLedger(row),
      findAtProvider: (row) => books.findAtProvider(row, ctx.signal),
    });
    await keep({ id: ctx.jobId, from, to, ledgerRows: ledger.length, providerRows: provider.length, differences });
    return {
      reportId: ctx.jobId,
      from: from.toISOString(),
      to: to.toISOString(),
      ledgerRows: ledger.length,
      providerRows: provider.length,
      differences: differences.length,
      ...countsOf(differences),
      brief: differences.slice(0, mostInBrief).map(inBrief),
    };
  };
}

/** Providers count in whole seconds, so a period is cut at one. */
function periodOf({ from, to, lastHours }: JobPayload<'reconcile-books'>, createdAt: Date): { from: Date; to: Date } {
  if (from !== undefined && to !== undefined) return { from: new Date(from), to: new Date(to) };
  const end = Math.ceil(createdAt.getTime() / 1_000) * 1_000;
  return { from: new Date(end - lastHours * hour), to: new Date(end) };
}

/** How many there are of each kind. */
export function countsOf(
  differences: readonly Difference[],
): Pick<Result, 'ledgerOnly' | 'providerOnly' | 'amountDiffers' | 'statusDiffers'> {
  const count = (kind: Difference['kind']) => differences.filter((difference) => difference.kind === kind).length;
  return {
    ledgerOnly: count('ledger_only'),
    providerOnly: count('provider_only'),
    amountDiffers: count('amount_differs'),
    statusDiffers: count('status_differs'),
  };
}

function inBrief(difference: Difference): Result['brief'][number] {
  const row = 'ledger' in difference ? difference.ledger : difference.provider;
  const { provider, kind: object, jobId } = row;
  const atProvider = 'provider' in difference ? difference.provider : null;
  return {
    kind: difference.kind,
    provider,
    object,
    providerId: atProvider?.providerId ?? row.providerId,
    jobId: jobId ?? atProvider?.jobId ?? null,
  };
}
