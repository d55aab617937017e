import type { FailureRecord, JobType, QueueName } from '@queue-service/contracts';
import { type AttemptRecord, type Database, isDatabaseUnavailable, type Sealer } from '@queue-service/persistence';
import type { Job } from 'bullmq';
import { envelopeEffects } from '../effects/envelope-effects.ts';
import type { EndedJob, EndRecorder } from '../ends.ts';
import type { Envelope } from '../envelope.ts';
import { envelopeState } from '../envelope-state.ts';
import type { HistoryWriter } from '../history-writer.ts';
import { Abort, type Outcome } from '../host/outcome.ts';
import { jobResource } from '../resource.ts';
import type { Claim, Settlement, Tier } from './tier.ts';

export interface HistoryTierParts {
  queue: QueueName;
  db: Database;
  sealer: Sealer;
  ends: EndRecorder;
  history: HistoryWriter;
  now: () => Date;
  /** Tells of cancels; the answer stops listening. */
  onCancel?: (jobId: string, cancelled: () => void) => () => void;
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
    claim: async (job) => claimOf(job, structuredClone(job.data as Envelope), parts),
    close: async () => {},
  };
}

function claimOf(job: Job, envelope: Envelope, parts: HistoryTierParts): Claim {
  const startedAt = parts.now();
  const save = () => job.updateData(envelope);

  const end = async (
    status: 'completed' | 'failed' | 'cancelled',
    outcome: Outcome,
    attempt: AttemptRecord,
  ): Promise<Settlement> => {
    const result = outcome.kind === 'completed' ? outcome.result : null;
    const error: FailureRecord | null =
      outcome.kind === 'dead'
        ? outcome.error
        : outcome.kind === 'cancelled'
          ? { code: 'cancelled', message: 'Cancelled on request', retryable: false }
          : null;
    const state = envelopeState(job.id as string, parts.queue, job.name, envelope, {
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
        await parts.ends.record([ended]);
      } catch (failure) {
        if (!isDatabaseUnavailable(failure)) throw failure;
        envelope.ended = { outcome, attempt };
        await save();
        return { kind: 'later', delayMs: recordAgainMs };
      }
    }
    // After what must not be forgotten: Redis may lose the job in between, and a death in history has its letter.
    parts.history.write(state, envelope, lasting ? null : ended);
    return error === null || outcome.kind === 'cancelled' ? { kind: 'done', value: result } : { kind: 'failed', error };
  };

  const settle = async (outcome: Outcome, attempt: AttemptRecord): Promise<Settlement> => {
    switch (outcome.kind) {
      case 'completed':
        return end('completed', outcome, attempt);
      case 'cancelled':
        return end('cancelled', outcome, attempt);
      case 'dead':
        envelope.attemptLog.push(attempt);
        return end('failed', outcome, attempt);
      case 'retry':
        envelope.attemptLog.push(attempt);
        await save();
        return { kind: 'later', delayMs: outcome.delayMs };
      case 'returned':
        envelope.attempts -= 1;
        await save();
        return { kind: 'later', delayMs: outcome.delayMs };
      case 'lost':
        return { kind: 'later', delayMs: 0 };
    }
  };

  envelope.attempts += 1;
  envelope.startedAt ??= startedAt.getTime();
  return {
    jobId: job.id as string,
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
    cancelRequested: false,
    ended: envelope.ended ?? null,
    effects: envelopeEffects(envelope, parts.sealer, save, parts.now),
    settle,
    guard: (abort) =>
      parts.onCancel?.(job.id as string, () => abort(new Abort('cancelled', 'cancelled on request'))) ?? (() => {}),
  };
}
