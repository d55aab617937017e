import type { FailureRecord, JobType, QueueName } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import { type AttemptRecord, type Database, isDatabaseUnavailable, type Sealer } from '@queue-service/persistence';
import type { Job } from 'bullmq';
import { ClaimLostError } from '../effects/effect-store.ts';
import { actedInEnvelope, envelopeEffects } from '../effects/envelope-effects.ts';
import type { EndRecorder } from '../ends.ts';
import { type EndedValue, type Envelope, envelopeIn, storedEnvelope } from '../envelope.ts';
import { endedState } from '../envelope-state.ts';
import type { HistoryWriter } from '../history-writer.ts';
import { Abort } from '../host/abort.ts';
import type { FinalOutcome, Outcome } from '../host/outcome.ts';
import { jobResource } from '../resource.ts';
import type { JobMarks, RunMark } from './job-marks.ts';
import type { Claim, Settlement, Tier } from './tier.ts';

export interface HistoryTierParts {
  queue: QueueName;
  db: Database;
  sealer: Sealer;
  ends: EndRecorder;
  history: HistoryWriter;
  log: Logger;
  now: () => Date;
  marks: JobMarks;
  /** Cancels a job that waits. */
  cancel(jobId: string): Promise<unknown>;
}

/** How soon the recording of an end is tried again while PostgreSQL is away. */
const recordAgainMs = 5_000;

/**
 * Tiers 2 and 3: Redis is the truth while the job runs, BullMQ's lock is the claim. History is written behind and never
 * slows or fails a job; only what must not be forgotten (a death, a step of a flow) waits for PostgreSQL. If that is
 * away, the end rests in the job and its recording alone is tried again: the work is not repeated.
 */
export function createHistoryTier(parts: HistoryTierParts): Tier {
  const claimAgain = async (job: Job, envelope: Envelope): Promise<Claim> => {
    const id = job.id as string;
    const marks = await parts.marks.read(id);
    const stalls = envelope.stalls ?? { logged: 0, explained: 0 };
    if (job.stalledCounter > stalls.logged) {
      envelope.stalls = { ...stalls, logged: job.stalledCounter };
      envelope.attemptLog.push(crashRecord(envelope.attempts + 1, marks.run, parts.now().toISOString()));
      await job.updateData(storedEnvelope(envelope));
    }
    const crashes = job.stalledCounter - stalls.explained;
    return claimOf(job, envelope, { cancelled: marks.cancelled, crashes }, parts);
  };

  return {
    claim: (job) => {
      const envelope = envelopeIn(job);
      if (job.attemptsStarted > 1 || job.stalledCounter > 0) return claimAgain(job, envelope);
      // At its first start it cannot have been marked before: it would have been removed.
      return claimOf(job, envelope, { cancelled: false, crashes: 0 }, parts);
    },
    close: async () => parts.marks.close(),
  };
}

function crashRecord(attempt: number, run: RunMark | null, noticedAt: string): AttemptRecord {
  return {
    attempt,
    worker: run?.worker ?? 'unknown',
    startedAt: run?.startedAt ?? noticedAt,
    endedAt: noticedAt,
    outcome: 'crashed',
    error: { code: 'worker_lost', message: 'Its worker died, or was cut off', retryable: true },
  };
}

function claimOf(
  job: Job,
  envelope: Envelope,
  found: { cancelled: boolean; crashes: number },
  parts: HistoryTierParts,
): Claim {
  const id = job.id as string;
  const startedAt = parts.now();
  const save = () => job.updateData(storedEnvelope(envelope));
  let settled = false;
  /** While it runs: the attempt that is not over yet does not count, should the worker die. */
  const saveRunning = async () => {
    if (settled) throw new ClaimLostError(id);
    await job.updateData(storedEnvelope({ ...envelope, attempts: envelope.attempts - 1 }));
  };
  /** It ran, and its worker lives: the stalls before were not its fault. */
  const explainStalls = () => {
    if (job.stalledCounter > 0) envelope.stalls = { logged: job.stalledCounter, explained: job.stalledCounter };
  };

  const end = async (outcome: FinalOutcome, attempt: AttemptRecord): Promise<Settlement> => {
    const state = endedState(id, parts.queue, job.name, envelope, { outcome, attempt });
    const { status, result, error } = state;
    const { webhookUrl } = envelope;
    const flowStep = envelope.flow?.step ?? null;
    const lasting = outcome.kind === 'dead' || flowStep !== null || webhookUrl !== null;
    if (lasting) {
      const { payload, payloadVersion, timeoutMs, attemptLog } = envelope;
      const death =
        outcome.kind === 'dead' ? { reason: outcome.reason, payload, payloadVersion, timeoutMs, attemptLog } : null;
      try {
        await parts.ends.record({ resource: jobResource(state), flowStep, webhookUrl, death });
      } catch (failure) {
        if (!isDatabaseUnavailable(failure)) throw failure;
        envelope.ended = { outcome, attempt };
        await save();
        return { kind: 'later', delayMs: recordAgainMs };
      }
    }
    // After what must not be forgotten: Redis may lose the job in between, and a death in history has its letter.
    parts.history.write(state, envelope, !lasting);
    if (status !== 'failed') {
      const { attempts, startedAt } = envelope;
      return { kind: 'done', value: { status, attempts, startedAt, result, error } satisfies EndedValue };
    }
    envelope.ended = { outcome, attempt };
    await save();
    return { kind: 'failed', error: error as FailureRecord };
  };

  /** A mark that came when the handler was done already: the job need not wait for its next start to see it. */
  const moved = async () => {
    try {
      if ((await parts.marks.read(id)).cancelled) await parts.cancel(id);
    } catch (error) {
      parts.log.debug({ err: error, jobId: id }, 'A returned job could not be cancelled; its next start does it');
    }
  };

  const settle = async (outcome: Outcome, attempt: AttemptRecord): Promise<Settlement> => {
    settled = true;
    if (envelope.ended !== undefined) return end(envelope.ended.outcome, envelope.ended.attempt);
    switch (outcome.kind) {
      case 'completed':
        return end(outcome, attempt);
      case 'cancelled':
        envelope.attempts -= 1;
        return end(outcome, attempt);
      case 'dead':
        envelope.attemptLog.push(attempt);
        return end(outcome, attempt);
      case 'retry':
        explainStalls();
        envelope.attemptLog.push(attempt);
        await save();
        return { kind: 'later', delayMs: outcome.delayMs, moved };
      case 'returned':
        if (outcome.why !== 'isolated') explainStalls();
        envelope.attempts -= 1;
        await save();
        return { kind: 'later', delayMs: outcome.delayMs, moved };
      case 'settling': // Never: these queues end without asking providers.
      case 'lost':
        return { kind: 'later', delayMs: 0 };
    }
  };

  if (envelope.ended === undefined) envelope.attempts += 1;
  envelope.startedAt ??= startedAt.getTime();
  return {
    jobId: id,
    type: job.name as JobType,
    tenantId: envelope.tenantId,
    attempt: envelope.attempts,
    maxAttempts: envelope.maxAttempts,
    timeoutMs: envelope.timeoutMs,
    priority: envelope.priority,
    payload: envelope.payload as Record<string, unknown>,
    payloadVersion: envelope.payloadVersion,
    requestId: envelope.requestId,
    traceId: envelope.traceId,
    traceparent: envelope.traceparent,
    flowId: envelope.flow?.flowId ?? null,
    flowStep: envelope.flow?.step ?? null,
    webhookUrl: envelope.webhookUrl,
    createdAt: new Date(envelope.createdAt),
    dueAt: new Date(envelope.scheduledFor ?? envelope.createdAt),
    startedAt: new Date(envelope.startedAt),
    attemptLog: envelope.attemptLog,
    crashes: found.crashes,
    verdict: found.cancelled ? null : undefined,
    ended: envelope.ended ?? null,
    effects: envelopeEffects(envelope, parts.sealer, saveRunning, parts.now),
    acted: async () => actedInEnvelope(envelope),
    findsOut: false,
    settle,
    guard: (abort) => parts.marks.watch(id, () => abort(new Abort('cancelled', 'cancelled on request'))),
  };
}
