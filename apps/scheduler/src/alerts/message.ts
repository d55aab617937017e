import type { AlertNotice, IncidentKind } from '@queue-service/persistence';

/** The page that says what to do, under docs/runbooks. */
export const runbooks: Readonly<Record<IncidentKind, string>> = {
  money_dead_letter: 'dead-letters.md',
  dead_letters: 'dead-letters.md',
  no_progress: 'no-progress.md',
  relay_lag: 'relay-lags.md',
  outcome_open: 'outcome-unknown.md',
  recovery: 'recovery.md',
  mint_balance_low: 'mint-balance-low.md',
  circuit_open: 'provider-fails.md',
  schedule_missed: 'no-leader.md',
  books_differ: 'books-differ.md',
  worker_stuck: 'worker-stuck.md',
  webhook_endpoint_disabled: 'webhook-endpoint-disabled.md',
};

/** What a notice tells: that something is wrong, that it is worse than when it was told, or that it is over. */
export function changeOf(notice: AlertNotice): 'opened' | 'changed' | 'resolved' {
  if (notice.settledAt !== null) return 'resolved';
  return notice.toldAt === null ? 'opened' : 'changed';
}

/** One line for people. */
export function lineOf(notice: AlertNotice): string {
  const words = {
    opened: notice.severity.toUpperCase(),
    changed: `STILL ${notice.severity.toUpperCase()}`,
    resolved: 'OVER',
  };
  const page = `docs/runbooks/${runbooks[notice.kind]}`;
  return `${words[changeOf(notice)]}: ${notice.summary} (${notice.kind}, since ${notice.openedAt.toISOString()}, ${page})`;
}
