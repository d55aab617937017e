import type { FailureRecord, JobType } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import {
  type AttemptRecord,
  type ClaimedJob,
  claimCriticalJobs,
  type Database,
  findCriticalJobs,
  finishCriticalJobs,
  type JobEnd,
  type JobReturn,
  listActedEffects,
  returnCriticalJob,
  type Sealer,
} from '@queue-service/persistence';
import type { Job } from 'bullmq';
import { coalesce, coalesceBy } from '../coalesce.ts';
import { createEffectWrites, type EffectWrites } from '../effects/effect-writes.ts';
import { ledgerEffects } from '../effects/ledger-effects.ts';
import { type EndedJob, type EndRecorder, inOneFlow } from '../ends.ts';
import { Abort } from '../host/abort.ts';
import { cancelledError, type Outcome } from '../host/outcome.ts';
import { jobResource } from '../resource.ts';
import { keepLeases, type Leases, type LeaseTiming, leaseTiming } from './leases.ts';
import type { Claim, Refusal, Settlement, Tier } from './tier.ts';

export interface LedgerTierParts {
  db: Database;
  sealer: Sealer;
  ends: EndRecorder;
  log: Logger;
  now: () => Date;
  timing?: LeaseTiming;
}

interface Ending {
  end: JobEnd;
  ended: EndedJob;
}

/**
 * Tier 1: the row in `critical_jobs` is the truth. A claim is an UPDATE with a lease and a fencing number, an end is
 * conditional on that number, and all that follows from an end is written in its transaction.
 *
 * Promises that at most one worker finishes a job. Does not promise that only one runs it: a paused worker may wake up
 * while another has taken over; its effects are the same effects, and its end is void.
 */
export function createLedgerTier(parts: LedgerTierParts): Tier {
  const { db, log } = parts;
  const timing = parts.timing ?? leaseTiming;
  const leases = keepLeases(db, log, timing);
  const writes = createEffectWrites(db);

  const claims = new Map<string, (id: string) => Promise<ClaimedJob | null>>();
  const claimFor = (worker: string) => {
    const known = claims.get(worker);
    if (known !== undefined) return known;
    const made = coalesce<string, ClaimedJob | null>(
      async (ids) => {
        const rows = new Map((await claimCriticalJobs(db, ids, worker, timing.leaseMs)).map((row) => [row.id, row]));
        return ids.map((id) => rows.get(id) ?? null);
      },
      { maxBatch: 100, maxInFlight: 2 },
    );
    claims.set(worker, made);
    return made;
  };

  const finishAll = async (endings: Ending[]) => {
    const { finished, consequences } = await db.transaction(async (sql) => {
      const done = await finishCriticalJobs(
        sql,
        endings.map(({ end }) => end),
      );
      const ended = endings.filter(({ end }) => done.has(end.id)).map((ending) => ending.ended);
      return { finished: done, consequences: await parts.ends.recordIn(sql, ended) };
    });
    await parts.ends.followUp(consequences);
    return endings.map(({ end }) => finished.has(end.id));
  };
  /** Ends share a transaction, but those of a flow only with each other: flows lock their row. */
  const finishTogether = coalesce(finishAll, { maxBatch: 100, maxInFlight: 2 });
  const finishInFlow = coalesceBy(({ ended }: Ending) => ended.resource.flowId, finishAll, inOneFlow);
  const finish = (ending: Ending) => (ending.ended.flowStep === null ? finishTogether(ending) : finishInFlow(ending));

  return {
    claim: async (job, worker) => {
      const row = await claimFor(worker)(job.id as string);
      return row === null ? refusal(db, job, parts.now()) : claimOf(row, parts, { leases, writes, finish });
    },
    close: async () => leases.close(),
  };
}

/** Why a claim was refused, read from the row. */
async function refusal(db: Database, job: Job, now: Date): Promise<Refusal> {
  const [row] = await findCriticalJobs(db, [job.id as string]);
  if (row === undefined || (row.status !== 'pending' && row.status !== 'processing')) return { kind: 'gone' };
  const due = row.status === 'pending' ? row.runAt : (row.leaseUntil ?? now);
  return { kind: 'later', delayMs: Math.min(Math.max(due.getTime() - now.getTime(), 100), 60_000) };
}

function claimOf(
  row: ClaimedJob,
  parts: LedgerTierParts,
  {
    leases,
    writes,
    finish,
  }: {
    leases: Leases;
    writes: EffectWrites;
    finish: (ending: Ending) => Promise<boolean>;
  },
): Claim {
  const { id, fencing } = row;

  const settle = async (outcome: Outcome, attempt: AttemptRecord): Promise<Settlement> => {
    const end = (
      status: JobEnd['status'],
      result: JobEnd['result'],
      error: FailureRecord | null,
      death: EndedJob['death'] = null,
    ) =>
      finish({
        end: { id, fencing, status, result, error, attempt },
        ended: {
          resource: jobResource({
            ...row,
            ...{ status, result, error, finishedAt: new Date(attempt.endedAt) },
            attempts: row.attempts - (status === 'cancelled' ? 1 : 0),
          }),
          flowStep: row.flowStep,
          webhookUrl: row.webhookUrl,
          death,
        },
      });
    const giveBack = async (
      delayMs: number,
      usesAttempt: boolean,
      error: FailureRecord | null,
      logged: AttemptRecord | null,
      { keepCrashes = false, settling = null }: { keepCrashes?: boolean; settling?: JobReturn['settling'] } = {},
    ): Promise<Settlement> => {
      const returned = { id, fencing, delayMs, usesAttempt, error, attempt: logged, keepCrashes, settling };
      await returnCriticalJob(parts.db, returned);
      return { kind: 'later', delayMs };
    };
    switch (outcome.kind) {
      case 'completed':
        await end('completed', outcome.result, null);
        return { kind: 'done', value: null };
      case 'cancelled':
        await end('cancelled', null, cancelledError(outcome.acted));
        return { kind: 'done', value: null };
      case 'dead':
        await end('failed', null, outcome.error, {
          reason: outcome.reason,
          payload: row.payload,
          payloadVersion: row.payloadVersion,
          timeoutMs: row.timeoutMs,
          attemptLog: [...row.attemptLog, attempt],
        });
        return { kind: 'failed', error: outcome.error };
      case 'retry':
        return giveBack(outcome.delayMs, true, outcome.error, attempt);
      case 'returned':
        // Polls and pauses are not attempts: a log of each would grow without end.
        return giveBack(outcome.delayMs, false, outcome.error, null, { keepCrashes: outcome.why === 'isolated' });
      case 'settling': {
        const { delayMs, error, verdict } = outcome;
        return giveBack(delayMs, false, error, row.settlingSince === null ? attempt : null, { settling: { verdict } });
      }
      case 'lost':
        return { kind: 'later', delayMs: (parts.timing ?? leaseTiming).leaseMs };
    }
  };

  return {
    jobId: id,
    type: row.type as JobType,
    tenantId: row.tenantId,
    attempt: row.attempts,
    maxAttempts: row.maxAttempts,
    timeoutMs: row.timeoutMs,
    priority: row.priority,
    payload: row.payload,
    payloadVersion: row.payloadVersion,
    requestId: row.requestId,
    traceId: row.traceId,
    traceparent: row.traceparent,
    flowId: row.flowId,
    flowStep: row.flowStep,
    webhookUrl: row.webhookUrl,
    createdAt: row.createdAt,
    dueAt: row.runAt,
    startedAt: row.startedAt ?? parts.now(),
    attemptLog: row.attemptLog,
    crashes: row.crashes,
    verdict: row.cancelRequestedAt !== null ? null : (row.settling ?? undefined),
    ended: null,
    effects: ledgerEffects(parts.db, writes, parts.sealer, { jobId: id, fencing, tenantId: row.tenantId }),
    acted: () => listActedEffects(parts.db, id),
    findsOut: true,
    settle,
    guard: (abort) =>
      leases.hold(
        { id, fencing },
        {
          lost: () => abort(new Abort('lost', 'the lease was lost')),
          cancelRequested: () => abort(new Abort('cancelled', 'cancelled on request')),
        },
      ),
  };
}
