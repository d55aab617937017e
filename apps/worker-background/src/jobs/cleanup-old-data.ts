import { contracts, day, type JobPayload, jobTypesOf, PermanentError } from '@queue-service/contracts';
import {
  type CleanupPosition,
  type CleanupTable,
  cleanupRules,
  findOldReports,
  findVictims,
  markReportsDeleted,
  removeVictims,
} from '@queue-service/persistence';
import type { Handler, JobContext, Runtime } from '@queue-service/queue';
import type { ReportStorage } from '@queue-service/report-storage';
import { cleanFinished, countFinished } from '../redis-finished.ts';
import { scopeOf } from '../scope.ts';

export interface CleanupParts {
  runtime: Runtime;
  storage: ReportStorage | null;
  /** Rows in one statement. */
  batchSize?: number;
}

type Payload = JobPayload<'cleanup-old-data'>;
interface Sweep {
  ctx: JobContext;
  cutoff: Date;
  tenantId: string | null;
}

/** A money job is kept at least as long as its key may guard against a second one. */
const leastMoneyDays = Math.min(...jobTypesOf('money').map((type) => contracts[type].policy.idempotencyWindowMs)) / day;

/**
 * Applies a retention. In short statements that wait for nobody, oldest first; what is aborted goes on where it stopped
 * when it is run again, since what is gone is gone. A dry run counts by the same conditions.
 */
export function createCleanupOldData(parts: CleanupParts): Handler<'cleanup-old-data'> {
  const { runtime, batchSize = 500 } = parts;

  /** Walks all batches; `step` answers what it dealt with, in order. */
  async function sweep<Row>(
    { ctx }: Sweep,
    limit: number,
    step: (after: CleanupPosition | null) => Promise<Row[]>,
    positionOf: (row: Row) => CleanupPosition,
  ): Promise<number> {
    let after: CleanupPosition | null = null;
    for (let done = 0; ; ) {
      ctx.signal.throwIfAborted();
      const rows: Row[] = await step(after);
      done += rows.length;
      ctx.progress({ rows: done });
      const last = rows.at(-1);
      if (last === undefined || rows.length < limit) return done;
      after = positionOf(last);
    }
  }

  const itself = (position: CleanupPosition) => position;

  function count(table: CleanupTable, of: Sweep): Promise<number> {
    const limit = batchSize * 10;
    return sweep(of, limit, (after) => findVictims(runtime.db, { ...of, table, after, limit }), itself);
  }

  function remove(table: CleanupTable, of: Sweep): Promise<number> {
    // A batch that meets held rows is smaller than its limit without being the last.
    const limit = batchSize;
    return sweep(of, 1, (after) => removeVictims(runtime.db, { ...of, table, after, limit }), itself);
  }

  function removeReports(storage: ReportStorage, of: Sweep): Promise<number> {
    const limit = 100;
    return sweep(
      of,
      limit,
      async (after) => {
        const reports = await findOldReports(runtime.db, { ...of, after, limit });
        for (const report of reports) await storage.remove(report.location);
        await markReportsDeleted(
          runtime.db,
          reports.map(({ id }) => id),
        );
        return reports;
      },
      ({ position }) => position,
    );
  }

  return async (payload, ctx) => {
    const { target, dryRun } = payload;
    const of: Sweep = {
      ctx,
      tenantId: scopeOf(ctx.tenantId),
      cutoff: new Date(runtime.now().getTime() - payload.olderThanDays * day),
    };
    checkAllowed(payload, of.tenantId);
    const end = (rows: number) => ({ target, matched: rows, removed: dryRun ? 0 : rows, dryRun });
    if (target === 'redis_finished') {
      return end(await (dryRun ? countFinished : cleanFinished)(runtime.connections, of.cutoff, ctx));
    }
    if (dryRun) return end(await count(target, of));
    if (target !== 'reports') return end(await remove(target, of));
    if (parts.storage === null) {
      throw new PermanentError({
        code: 'storage_not_configured',
        message: 'REPORT_STORAGE_URL is not set: files of reports cannot be removed',
      });
    }
    return end(await removeReports(parts.storage, of));
  };
}

function checkAllowed({ target, olderThanDays }: Payload, tenantId: string | null): void {
  if (target === 'critical_jobs' && olderThanDays < leastMoneyDays) {
    throw new PermanentError({
      code: 'retention_too_short',
      message: `olderThanDays: money jobs are kept for at least ${leastMoneyDays} days, while their idempotency keys count`,
    });
  }
  const owned = target !== 'redis_finished' && cleanupRules[target].tenant !== null;
  if (tenantId !== null && !owned) {
    throw new PermanentError({
      code: 'platform_only',
      message: `target: ${target} belongs to no tenant; only the platform may clean it`,
    });
  }
}
