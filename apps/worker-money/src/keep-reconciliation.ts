import {
  closeIncident,
  type Database,
  type NewBookDifference,
  openIncident,
  recordReconciliation,
} from '@queue-service/persistence';
import type { Difference } from '@queue-service/providers';
import { countsOf, type Reconciliation } from './jobs/reconcile-books.ts';

const incidentKey = 'books_differ';

/**
 * Keeps a reconciliation, and in the same transaction opens or closes the incident: it is open as long as any difference
 * is, of whichever run, since a later period that agrees explains nothing about an earlier one.
 */
export async function keepReconciliation(db: Database, reconciliation: Reconciliation): Promise<void> {
  const { differences, ...run } = reconciliation;
  await db.transaction(async (sql) => {
    const open = await recordReconciliation(sql, { ...run, ...countsOf(differences) }, differences.map(differenceRow));
    if (open === 0) {
      await closeIncident(sql, incidentKey);
      return;
    }
    await openIncident(sql, {
      key: incidentKey,
      kind: 'books_differ',
      severity: 'critical',
      summary: `The ledger and the providers' books differ in ${open} places`,
      details: { open, lastRun: run.id, from: run.from.toISOString(), to: run.to.toISOString() },
    });
  });
}

function differenceRow(difference: Difference): NewBookDifference {
  const ledger = 'ledger' in difference ? difference.ledger : null;
  const provider = 'provider' in difference ? difference.provider : null;
  const either = (ledger ?? provider) as NonNullable<typeof ledger | typeof provider>;
  const providerId = provider?.providerId ?? ledger?.providerId ?? null;
  return {
    key: [difference.kind, either.provider, either.kind, ledger?.effectId ?? '', providerId ?? ''].join(' '),
    kind: difference.kind,
    provider: either.provider,
    object: either.kind,
    effectId: ledger?.effectId ?? null,
    jobId: ledger?.jobId ?? null,
    providerId,
    ledgerAmount: ledger?.amount ?? null,
    ledgerCurrency: ledger?.currency ?? null,
    ledgerState: ledger?.state ?? null,
    providerAmount: provider?.amount ?? null,
    providerCurrency: provider?.currency ?? null,
    providerStatus: provider?.status ?? null,
    happenedAt: either.created,
  };
}
