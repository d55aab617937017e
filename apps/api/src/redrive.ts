import { type DeadLetterRow, findDeadLetter, insertAudit, type Sql } from '@queue-service/persistence';
import { type Runtime, whileDatabaseAvailable } from '@queue-service/queue';
import { auditEntry, type Change } from './audit.ts';
import { Problem } from './http/problem.ts';

type By = Parameters<typeof findDeadLetter>[1];

/** @throws Problem `not_found`, `conflict`; QueueUnavailableError for what lives in Redis; DatabaseUnavailableError */
export type Redrive = (by: By, change: Change) => Promise<DeadLetterRow>;

/** Starts dead jobs again for people: what is done is audited with it, what cannot be done is a problem. */
export function createRedrive({ redriveJob }: Pick<Runtime, 'redriveJob'>): Redrive {
  return async (by, change) => {
    const { scope, principal } = change.actor;
    const redriving = await whileDatabaseAvailable(() =>
      redriveJob(by, scope, principal.subject, (sql, { id, jobId, tenantId }, { redrives }) =>
        insertAudit(sql, [
          auditEntry(change, {
            ...{ action: 'dead-letter.redrive', resource: 'dead-letter', resourceId: id, tenantId },
            before: { status: 'open', jobId },
            after: { status: 'redriven', redrives },
          }),
        ]),
      ),
    );
    switch (redriving.outcome) {
      case 'redriven':
        return redriving.letter;
      case 'not_found':
        throw new Problem('not_found');
      case 'resolved':
        throw resolvedAlready(redriving.status);
      case 'refused':
        throw new Problem('conflict', { detail: redriving.reason });
      case 'not_failed':
        throw new Problem('conflict', {
          detail: 'The job of the dead letter has not failed, or was started again already',
        });
    }
  };
}

/** @throws Problem `not_found`, `conflict` */
export async function openLetter(sql: Sql, by: By, { actor }: Change): Promise<DeadLetterRow> {
  const letter = await findDeadLetter(sql, by, actor.scope, true);
  if (letter === null) throw new Problem('not_found');
  if (letter.status !== 'open') throw resolvedAlready(letter.status);
  return letter;
}

function resolvedAlready(status: DeadLetterRow['status']): Problem {
  return new Problem('conflict', { detail: `The dead letter is ${status} already` });
}
