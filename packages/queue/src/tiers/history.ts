import type { FailureRecord, JobType, QueueName } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import { type AttemptRecord, type Database, isDatabaseUnavailable, type Sealer } from '@queue-service/persistence';
import type { Job } from 'bullmq';
import type { CancelMarks } from '../cancel/cancel-marks.ts';
import { actedInEnvelope, envelopeEffects } from '../effects/envelope-effects.ts';
import type { EndedJob, EndRecorder } from '../ends.ts';
import type { EndedValue, Envelope } from '../envelope.ts';
import { envelopeState } from '../envelope-state.ts';
import type { HistoryWriter } from '../history-writer.ts';
import { Abort } from '../host/abort.ts';
import { cancelledError, type Outcome } from '../host/outcome.ts';
import { jobResource } from '../resource.ts';
import type { Claim, Settlement, Tier } from './tier.ts';

export interface HistoryTierParts {
  queue: QueueName;
  db: Database;
  sealer: Sealer;
  ends: EndRecorder;
  history: HistoryWriter;
  log: Logger;
  now: () => Date;
  marks: CancelMarks;
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
  return {
    claim: async (job) => {
      // At its first start it cannot have been marked before: it would have been removed.
      const cancelled = job.attemptsStarted > 1 && (await parts.marks.isMarked(job.id as string));
      return claimOf(job, structuredClone(job.data as Envelope), cancelled, parts);
    },
    close: async () => parts.marks.close(),
  };
}

function claimOf(job: Job, envelope: Envelope, cancelRequested: boolean, parts: HistoryTierParts): Claim {
  const id = job.id as string;
  const startedAt = parts.now();
  const save = () => job.updateData(envelope);

  const end = async (
    status: 'completed' | 'failed' | 'cancelled',
    outcome: Outcome,
    attempt: AttemptRecord,
  ): Promise<Settlement> => {
    const result = outcome.kind === 'completed' ? outcome.result : null;
    const error: FailureRecord | null =
      outcome.kind === 'dead' ? outcome.error : outcome.kind === 'cancelled' ? cancelledError(outcome.acted) : null;
    const state = envelopeState(id, parts.queue, job.name, envelope, {
      status,
      result,
      error,
      finishedAt: new Date(attempt.endedAt),
    });
    const ended: EndedJob = {
      resource: jobResource(state),
      flowStep: envelope.flow?.step ?? null,
      webhookUrl: envelope.webhookUrl,
      death:
        outcome.kind === 'dead'
          ? {
              reason: outcome.reason,
              payload: envelope.payload,
              payloadVersion: envelope.payloadVersion,
              timeoutMs: envelope.timeoutMs,
              attemptLog: envelope.attemptLog,
            }
          : null,
    };
    const lasting = ended.death !== null || ended.flowStep !== null || ended.webhookUrl !== null;
    if (lasting) {
      try {
        await parts.ends.record(ended);
      } catch (failure) {
        if (!isDatabaseUnavailable(failure)) throw failure;
        envelope.ended = { outcome, attempt };
        await save();
        return { kind: 'later', delayMs: recordAgainMs };
      }
    }
    // After what must not be forgotten: Redis may lose the job in between, and a death in history has its letter.
    parts.history.write(state, envelope, lasting ? null : ended);
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
      if (await parts.marks.isMarked(id)) await parts.cancel(id);
    } catch (error) {
      parts.log.debug({ err: error, jobId: id }, 'A returned job could not be cancelled; its next start does it');
    }
  };

  const settle = async (outcome: Outcome, attempt: AttemptRecord): Promise<Settlement> => {
    switch (outcome.kind) {
      case 'completed':
        return end('completed', outcome, attempt);
      case 'cancelled':
        envelope.attempts -= 1;
        return end('cancelled', outcome, attempt);
      case 'dead':
        envelope.attemptLog.push(attempt);
        return end('failed', outcome, attempt);
      case 'retry':
        envelope.attemptLog.push(attempt);
        await save();
        return { kind: 'later', delayMs: outcome.delayMs, moved };
      case 'returned':
        envelope.attempts -= 1;
        await save();
        return { kind: 'later', delayMs: outcome.delayMs, moved };
      case 'lost':
        return { kind: 'later', delayMs: 0 };
    }
  };

  envelope.attempts += 1;
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
    crashes: job.stalledCounter,
    cancelRequested,
    ended: envelope.ended ?? null,
    effects: envelopeEffects(envelope, parts.sealer, save, parts.now),
    acted: async () => actedInEnvelope(envelope),
    findsOut: false,
    settle,
    guard: (abort) => parts.marks.watch(id, () => abort(new Abort('cancelled', 'cancelled on request'))),
  };
}
