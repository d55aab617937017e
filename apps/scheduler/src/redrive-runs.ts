import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@queue-service/observability';
import {
  advanceRedriveRun,
  type DeadLetterRow,
  endRedriveRun,
  findRedriveRun,
  insertAudit,
  listDeadLetters,
  listRunningRedrives,
  openLettersOf,
  type RedriveRunRow,
} from '@queue-service/persistence';
import { QueueUnavailableError, type Runtime } from '@queue-service/queue';
import { every } from './every.ts';

export interface RedriveRunsOptions {
  runtime: Runtime;
  log: Logger;
  /** Ends it; runs go on where they were with the next leader. */
  signal: AbortSignal;
  /** How soon a new run is begun, in milliseconds. Default 1000. */
  everyMs?: number;
}

const pageSize = 100;
const awayMs = 2_000;

/** The run ended while a letter of it was in hand: that letter stays as it was. */
class RunEndedError extends Error {}

/**
 * Works off redrives of many letters at the rate that each asks for. A letter is counted in the transaction that starts
 * its job again, so the numbers are exact after any crash, and a stop takes effect between two letters.
 *
 * Letters of jobs that cannot be started again (somebody else was faster, their flow cannot go on) are skipped.
 */
export async function startRedriveRuns(options: RedriveRunsOptions): Promise<void> {
  const { runtime, log, signal } = options;
  const active = new Map<string, Promise<void>>();
  await every(options.everyMs ?? 1_000, signal, async () => {
    try {
      for (const run of await listRunningRedrives(runtime.db)) {
        if (active.has(run.id)) continue;
        const working = workOff(options, run)
          .catch((error: unknown) => {
            if (!(error instanceof RunEndedError)) {
              log.warn({ err: error, redriveRun: run.id }, 'A redrive met an error; it goes on with the next round');
            }
          })
          .finally(() => active.delete(run.id));
        active.set(run.id, working);
      }
    } catch (error) {
      log.warn({ err: error }, 'Redrives could not be read; trying again');
    }
  });
  await Promise.all(active.values());
}

async function workOff({ runtime, log, signal }: RedriveRunsOptions, given: RedriveRunRow): Promise<void> {
  const { db } = runtime;
  // Read anew: who listed it may have been slower than its end.
  const run = await findRedriveRun(db, given.id, null);
  if (run?.status !== 'running') return;
  const filter = openLettersOf(run.filter, run.tenantId, run.createdAt);
  let after =
    run.afterAt === null || run.afterId === null ? null : { createdAt: run.afterAt.toISOString(), id: run.afterId };
  let dueAt = performance.now();
  while (!signal.aborted) {
    const letters = await listDeadLetters(db, filter, after, pageSize);
    for (const letter of letters) {
      // What was missed while Redis was away is not made up for in a burst.
      dueAt = Math.max(dueAt + 1_000 / run.ratePerSecond, performance.now());
      await redriveOne(runtime, run, letter, signal);
      after = { createdAt: letter.createdAt.toISOString(), id: letter.id };
      await sleep(Math.max(0, dueAt - performance.now()), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
    }
    if (letters.length < pageSize) break;
  }
  if (signal.aborted) return;
  const ended = await endRedriveRun(db, run.id, { status: 'completed', by: null });
  if (ended !== null) {
    const { total, redriven, skipped } = ended;
    log.info({ redriveRun: run.id, total, redriven, skipped }, 'A redrive of dead letters is through');
  }
}

/** Waits while the queue's Redis is away. @throws RunEndedError */
async function redriveOne(
  runtime: Runtime,
  run: RedriveRunRow,
  { id, createdAt }: DeadLetterRow,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const { outcome } = await runtime.redriveJob({ id }, run.tenantId, run.createdBy, async (sql, before, after) => {
        if (!(await advanceRedriveRun(sql, run.id, { id, createdAt }, 'redriven'))) throw new RunEndedError();
        await insertAudit(sql, [
          {
            ...{ actor: run.createdBy, roles: run.roles, tenantId: before.tenantId, requestId: run.requestId },
            ...{ action: 'dead-letter.redrive', resource: 'dead-letter', resourceId: id },
            before: { status: 'open', jobId: before.jobId },
            after: { status: 'redriven', redrives: after.redrives, redriveRun: run.id },
          },
        ]);
      });
      if (outcome === 'redriven') return;
      if (!(await advanceRedriveRun(runtime.db, run.id, { id, createdAt }, 'skipped'))) throw new RunEndedError();
      return;
    } catch (error) {
      if (!(error instanceof QueueUnavailableError)) throw error;
      await sleep(awayMs, undefined, { signal }).catch(() => {});
    }
  }
}
