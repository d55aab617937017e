import type { RedriveRunResource } from '@queue-service/contracts';
import {
  countDeadLetters,
  type Database,
  endRedriveRun,
  findRedriveRun,
  insertAudit,
  insertRedriveRun,
  openLettersOf,
  type RedriveRunRow,
} from '@queue-service/persistence';
import { newId, whileDatabaseAvailable } from '@queue-service/queue';
import { auditEntry, type Change } from './audit.ts';
import { Problem } from './http/problem.ts';

/** After everything that has happened: the database keeps milliseconds, rounded. */
export function nextMillisecond(): Date {
  return new Date(Date.now() + 1);
}

/** Writes down that all letters that match are to be redriven; the scheduler works it off. */
export function startRun(
  db: Database,
  what: Pick<RedriveRunRow, 'filter' | 'ratePerSecond'>,
  change: Change,
): Promise<RedriveRunRow> {
  const { scope, principal } = change.actor;
  return whileDatabaseAvailable(() =>
    db.transaction(async (sql) => {
      const createdAt = nextMillisecond();
      const run = await insertRedriveRun(sql, {
        ...what,
        ...{ id: newId(), tenantId: scope, createdAt, createdBy: principal.subject, roles: [...principal.roles] },
        total: await countDeadLetters(sql, openLettersOf(what.filter, scope, createdAt)),
        requestId: change.requestId,
      });
      const { filter, ratePerSecond, total } = run;
      await insertAudit(sql, [
        auditEntry(change, {
          ...{ action: 'dead-letter.redrive-many', resource: 'redrive-run', resourceId: run.id },
          after: { filter, ratePerSecond, total },
        }),
      ]);
      return run;
    }),
  );
}

/** Stopping what has ended is no error. @throws Problem `not_found` */
export function stopRun(db: Database, id: string, change: Change): Promise<RedriveRunRow> {
  return whileDatabaseAvailable(() =>
    db.transaction(async (sql) => {
      const run = await findRedriveRun(sql, id, change.actor.scope);
      if (run === null) throw new Problem('not_found');
      const stopped = await endRedriveRun(sql, id, { status: 'stopped', by: change.actor.principal.subject });
      if (stopped === null) return run;
      const { total, redriven } = stopped;
      await insertAudit(sql, [
        auditEntry(change, {
          ...{ action: 'dead-letter.stop-redrive', resource: 'redrive-run', resourceId: id },
          after: { total, redriven },
        }),
      ]);
      return stopped;
    }),
  );
}

export function runResource(run: RedriveRunRow): RedriveRunResource {
  const { afterAt: _, afterId: __, roles: ___, requestId: ____, ...shown } = run;
  return {
    ...shown,
    filter: run.filter as RedriveRunResource['filter'],
    createdAt: run.createdAt.toISOString(),
    finishedAt: run.finishedAt?.toISOString() ?? null,
  };
}
