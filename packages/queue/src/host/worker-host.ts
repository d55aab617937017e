import { hostname } from 'node:os';
import { contractOf, type JobType, type QueueName } from '@queue-service/contracts';
import type { Logger, Metrics } from '@queue-service/observability';
import type { AttemptRecord, Sealer } from '@queue-service/persistence';
import { type Job, Worker } from 'bullmq';
import { keptInRedis } from '../dispatch.ts';
import { type AttemptEvents, attemptEvents, endTold, type PublishJobEvent } from '../events/publish.ts';
import { toldLog } from '../events/told-log.ts';
import type { FairWorker } from '../fairness/fair-worker.ts';
import type { Handler, Handlers, JsonObject } from '../handler.ts';
import { newId } from '../ids.ts';
import type { RedisClient } from '../redis/client.ts';
import { sharedCalls } from '../redis/shared-calls.ts';
import { type Claim, isClaim, type Settlement, type Tier } from '../tiers/tier.ts';
import { createWhileRunning } from '../while-running.ts';
import { Abort } from './abort.ts';
import { attemptOutcome, stalledOutcome } from './attempt.ts';
import { canaryName } from './canary.ts';
import { createIsolation, type Leave } from './isolation.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { perform } from './perform.ts';
import { reportEnd, reportStart } from './report.ts';
import { settleUntilStored, tellBull } from './settle.ts';
import type { LoopWatch } from './watch-loop.ts';

/** A job whose worker dies this often is taken for the cause. */
export const maxCrashes = 5;

/** BullMQ's lock and its search for stalled jobs, in milliseconds. */
export interface LockTiming {
  lockDuration: number;
  lockRenewTime: number;
  stalledInterval: number;
}

/**
 * A lock outlives a blocked event loop of 5 s between two renewals, and a killed worker's job is found within
 * `lockDuration + stalledInterval`: 11.5 s, where BullMQ's defaults take up to 60.
 */
export const lockTiming: LockTiming = { lockDuration: 8_500, lockRenewTime: 2_500, stalledInterval: 3_000 };

/** How soon a job is offered again when its tier could not be asked. */
const storeAwayMs = 2_000;

export interface WorkerHostParts<Queue extends QueueName> {
  queue: Queue;
  handlers: Handlers<Queue>;
  tier: Tier;
  fairness: FairWorker;
  redis: RedisClient;
  prefix: string;
  concurrency: number;
  sealer: Sealer;
  log: Logger;
  metrics: Metrics;
  publish: PublishJobEvent;
  now: () => Date;
  random: () => number;
  timing?: LockTiming;
  /** Default: {@link maxCrashes}. */
  maxCrashes?: number;
  /** How long a handler may go on after its signal was aborted, in milliseconds. Default 5000. */
  abortGraceMs?: number | undefined;
  /** Told of each handler; closed with the host. */
  loop?: LoopWatch | undefined;
}

/** Runs the jobs of one queue in this process. */
export interface WorkerHost {
  readonly id: string;
  readonly running: number;
  /** When this process last started or ended a job, or found its queue empty; milliseconds of `performance.now()`. */
  readonly lastProgressAt: number;
  /** Aborts a job that was cancelled, if it runs here. */
  cancel(jobId: string): void;
  /**
   * Takes no more jobs and lets the running ones end; those that have not after `graceMs` are aborted and go back to the
   * queue without using an attempt.
   */
  close(graceMs: number): Promise<void>;
}

/** Opens a BullMQ worker on the given connection, which stays the caller's to close. */
export function startWorkerHost<Queue extends QueueName>(parts: WorkerHostParts<Queue>): WorkerHost {
  const id = `${hostname()}-${process.pid}-${newId().slice(-6)}`;
  const aborts = createWhileRunning<(reason: Abort) => void>();
  const handlers = parts.handlers as unknown as Readonly<Record<string, Handler<JobType>>>;
  const state = { running: 0, lastProgressAt: performance.now(), closing: false };

  const process_ = async (job: Job, token?: string): Promise<unknown> => {
    state.lastProgressAt = performance.now();
    if (job.name === canaryName) {
      parts.metrics.canaryWait.observe({ queue: parts.queue }, (parts.now().getTime() - job.timestamp) / 1_000);
      return null;
    }
    state.running += 1;
    try {
      return await tellBull(job, token, await run(job));
    } finally {
      state.running -= 1;
      state.lastProgressAt = performance.now();
    }
  };

  /**
   * The way of one attempt: claim, perform, normalise, settle, report. What need not wait does not: with each `await`
   * before its handler, BullMQ's own loop comes in between and asks Redis for the next job.
   */
  const run = async (job: Job): Promise<Settlement> => {
    const log = once(() => parts.log.child({ jobId: job.id, type: job.name }) as Logger);
    try {
      const claiming = parts.tier.claim(job, id);
      const claim = claiming instanceof Promise ? await claiming : claiming;
      if (!isClaim(claim)) return claim.kind === 'gone' ? { kind: 'done', value: null } : claim;
      if (claim.ended !== null) return await claim.settle(claim.ended.outcome, claim.ended.attempt);
      reportStart(parts, claim);
      const events = attemptEvents(parts.publish, { ...claim, queue: parts.queue }, parts.now);
      events.status('processing');
      const startedAt = parts.now();
      const outcome = await attemptOf(claim, job, log, events);
      const attempt: AttemptRecord = {
        attempt: claim.attempt,
        worker: id,
        startedAt: startedAt.toISOString(),
        endedAt: parts.now().toISOString(),
        outcome: outcome.kind,
        error: 'error' in outcome ? outcome.error : null,
      };
      const settlement = await settleUntilStored(claim, outcome, attempt, log);
      reportEnd(parts, claim, outcome, attempt);
      if (outcome.kind === 'retry' || outcome.kind === 'returned' || outcome.kind === 'settling')
        events.status('pending');
      if (events.written !== null) await events.written;
      return settlement;
    } catch (error) {
      // The tier could not be asked or told: the job is offered again, and its claim runs out.
      log().warn({ err: error }, 'The state of the job could not be read or written; it is offered again');
      return { kind: 'later', delayMs: storeAwayMs };
    }
  };

  const attemptOf = async (claim: Claim, job: Job, log: () => Logger, events: AttemptEvents): Promise<Outcome> => {
    if (claim.crashes >= (parts.maxCrashes ?? maxCrashes)) {
      return stalledOutcome(claim);
    }
    const waiting = waitToRun(claim);
    const leave = waiting instanceof Promise ? await waiting : waiting;
    if (typeof leave === 'number') return { kind: 'returned', why: 'isolated', error: null, delayMs: leave };
    try {
      return await attemptOutcome(claim, (settleOnly) => runAttempt(claim, job, log, events, settleOnly));
    } finally {
      leave();
    }
  };

  const waitToRun = (claim: Claim) => (claim.crashes === 0 ? isolation.enter(0) : waitAsSuspect(claim));

  const waitAsSuspect = async (claim: Claim): Promise<Leave> => {
    const release = claim.guard(() => {}); // What happens meanwhile is told again once it runs.
    try {
      return await isolation.enter(claim.crashes);
    } finally {
      release();
    }
  };

  const runAttempt = async (
    claim: Claim,
    job: Job,
    log: () => Logger,
    events: AttemptEvents,
    settleOnly: ReadonlySet<string> | undefined,
  ): Promise<Outcome> => {
    const leaveLoop = parts.loop?.enter({ id: claim.jobId, type: claim.type });
    const performed = await perform(claim, {
      graceMs: parts.abortGraceMs,
      settleOnly,
      handlers,
      sealer: parts.sealer,
      log: once(() =>
        toldLog(
          log().child({ attempt: claim.attempt, tenantId: claim.tenantId, requestId: claim.requestId }) as Logger,
          events,
        ),
      ),
      report: (provider, operation, outcome, seconds) => {
        parts.metrics.effects.inc({ provider, outcome });
        parts.metrics.providerRequest.observe({ provider, operation, outcome }, seconds);
      },
      onProgress: (value) => {
        job.updateProgress(value as object).catch(() => {}); // Progress never fails a job.
        events.progress(value as number | JsonObject);
      },
      abortable: (abort) => {
        if (state.closing && state.running === 0) abort(shutdown());
        return aborts.add(claim.jobId, abort);
      },
    });
    leaveLoop?.();
    if ('thrown' in performed.end) log().debug({ err: performed.end.thrown }, 'The attempt failed');
    const { backoff } = contractOf(claim.type).policy;
    return outcomeOf({
      ...performed,
      attempt: claim.attempt,
      maxAttempts: claim.maxAttempts,
      backoff,
      random: parts.random(),
    });
  };

  const options = {
    connection: parts.redis,
    prefix: parts.prefix,
    name: id,
    concurrency: parts.concurrency,
    ...(parts.timing ?? lockTiming),
    removeOnComplete: keptInRedis,
    removeOnFail: keptInRedis,
    // How often a job may be given out again is counted by the tier, which also records its end.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    // The version is looked at: of one that it does not know BullMQ expects that it blocks for whole seconds only, and
    // every delay would end up to a second late.
  };
  const worker = new Worker(parts.queue, parts.fairness.around(process_), options, sharedCalls(endTold(parts.prefix)));
  const isolation = createIsolation({
    pause: () => void worker.pause(true),
    resume: () => {
      if (!state.closing) worker.resume();
    },
  });
  worker.on('error', (error) => parts.log.debug({ err: error }, 'The worker met an error'));
  worker.on('drained', () => {
    state.lastProgressAt = performance.now();
  });
  worker.on('stalled', (jobId) => {
    parts.metrics.stalled.inc({ queue: parts.queue });
    parts.log.warn({ jobId }, 'A job whose worker stopped is offered again');
  });

  return {
    id,
    get running() {
      return state.running;
    },
    get lastProgressAt() {
      return state.lastProgressAt;
    },
    cancel: (jobId) => aborts.get(jobId)?.(new Abort('cancelled', 'cancelled on request')),
    close: async (graceMs) => {
      state.closing = true;
      const closed = worker.close();
      const timer = setTimeout(() => {
        for (const [, abort] of aborts.entries()) abort(shutdown());
      }, graceMs);
      await closed.catch((error) => parts.log.warn({ err: error }, 'The worker did not close cleanly'));
      clearTimeout(timer);
      await parts.fairness.close();
      await parts.tier.close();
      parts.loop?.close();
    },
  };
}

/** Most jobs log nothing themselves, and a child of a logger is dear. */
function once<Value>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function shutdown(): Abort {
  return new Abort('shutdown', 'the worker shuts down');
}
