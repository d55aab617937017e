import type { JobResource } from '@queue-service/contracts';
import { insertAudit } from '@queue-service/persistence';
import { type Runtime, whileDatabaseAvailable } from '@queue-service/queue';
import { auditEntry, type Change } from './audit.ts';
import { Problem } from './http/problem.ts';

/** @throws Problem `not_found`, `conflict`; DatabaseUnavailableError, QueueUnavailableError */
export type Cancel = (
  id: string,
  change: Change,
) => Promise<{ readonly outcome: 'cancelled' | 'requested'; readonly job: JobResource }>;

/** Cancels jobs for people: what is done is audited with it, what cannot be done is a problem. */
export function createCancel({ cancelJob }: Pick<Runtime, 'cancelJob'>): Cancel {
  return async (id, change) => {
    const cancellation = await whileDatabaseAvailable(() =>
      cancelJob(id, change.actor.scope, (sql, job, { before, after }) => {
        const what = { action: 'job.cancel', resource: 'job', resourceId: job.id, tenantId: job.tenantId };
        return insertAudit(sql, [
          auditEntry(change, { ...what, before: { status: before }, after: { status: after } }),
        ]);
      }),
    );
    switch (cancellation.outcome) {
      case 'cancelled':
      case 'requested':
        return cancellation;
      case 'ended':
        throw new Problem('conflict', { detail: `The job is ${cancellation.job.status}` });
      case 'not_found':
        throw new Problem('not_found');
    }
  };
}
