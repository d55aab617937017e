import {
  backoffDelayMs,
  type FailureRecord,
  failureRecord,
  type JobPolicy,
  PermanentError,
  RateLimitedError,
  UnknownOutcomeError,
} from '@queue-service/contracts';
import type { ActedEffect, DeadLetterReason } from '@queue-service/persistence';
import { ClaimLostError } from '../effects/effect-store.ts';
import { Snooze } from '../handler.ts';
import { Abort } from './abort.ts';

/** How an attempt ended: a closed set. What each means is decided where it is settled, nowhere else. */
export type Outcome =
  | { kind: 'completed'; result: Record<string, unknown> }
  /** Another attempt after the delay; this one is used up. */
  | { kind: 'retry'; error: FailureRecord; delayMs: number }
  /** Back to the queue without using the attempt. */
  | {
      kind: 'returned';
      why: 'rate_limited' | 'in_progress' | 'snoozed' | 'shutdown' | 'cancelling' | 'isolated';
      error: FailureRecord | null;
      delayMs: number;
    }
  /** No further attempt: dead letter. */
  | { kind: 'dead'; error: FailureRecord; reason: DeadLetterReason }
  /** Stopped on request. What it had done by then, or may have, stays done. */
  | { kind: 'cancelled'; acted: ActedEffect[] }
  /** Somebody else has the job: say nothing, change nothing. */
  | { kind: 'lost' };

/** After which nothing comes. */
export type FinalOutcome = Extract<Outcome, { kind: 'completed' | 'dead' | 'cancelled' }>;

/** What is kept of a cancelled job: that it was stopped, and what had happened by then. */
export function cancelledError(acted: readonly ActedEffect[]): FailureRecord {
  const facts = acted.map(
    ({ name, status, providerId }) =>
      `${name} ${status === 'confirmed' ? `was carried out${providerId === null ? '' : ` (${providerId})`}` : 'may have been carried out'}`,
  );
  return { code: 'cancelled', message: ['Cancelled on request', ...facts].join('; '), retryable: false };
}

export interface AttemptEnd {
  /** What the handler returned (checked by its contract), or what was thrown. */
  end: { returned: Record<string, unknown> | Snooze } | { thrown: unknown };
  /** Set when the signal was aborted before the end. */
  abort: Abort | null;
  attempt: number;
  maxAttempts: number;
  backoff: JobPolicy['backoff'];
  /** In [0, 1). */
  random: number;
}

/** Normalises the end of an attempt. A result counts even when it came after an abort: what happened has happened. */
export function outcomeOf(attempt: AttemptEnd): Outcome {
  const { end, abort } = attempt;
  if ('returned' in end) {
    if (!(end.returned instanceof Snooze)) return { kind: 'completed', result: end.returned };
    if (abort?.kind === 'cancelled') return { kind: 'cancelled', acted: [] };
    return {
      kind: 'returned',
      why: 'snoozed',
      error: { code: 'waiting', message: end.returned.reason, retryable: true },
      delayMs: end.returned.delayMs,
    };
  }
  if (abort?.kind === 'lost' || end.thrown instanceof ClaimLostError) return { kind: 'lost' };
  if (end.thrown instanceof PermanentError) {
    return {
      kind: 'dead',
      error: failureRecord(end.thrown),
      reason: end.thrown.code === 'contract_violation' ? 'contract' : 'permanent',
    };
  }
  if (abort?.kind === 'cancelled' || isCancel(end.thrown)) return { kind: 'cancelled', acted: [] };
  if (abort?.kind === 'shutdown') return { kind: 'returned', why: 'shutdown', error: null, delayMs: 0 };
  if (end.thrown instanceof RateLimitedError) {
    return {
      kind: 'returned',
      why: 'rate_limited',
      error: failureRecord(end.thrown),
      delayMs: end.thrown.retryAfterMs,
    };
  }
  if (end.thrown instanceof UnknownOutcomeError && end.thrown.retryAfterMs !== null && abort === null) {
    return {
      kind: 'returned',
      why: 'in_progress',
      error: failureRecord(end.thrown),
      delayMs: end.thrown.retryAfterMs,
    };
  }
  const error: FailureRecord =
    abort?.kind === 'timeout'
      ? { code: 'timeout', message: abort.message, retryable: true }
      : failureRecord(end.thrown);
  if (attempt.attempt >= attempt.maxAttempts) {
    return { kind: 'dead', error, reason: abort?.kind === 'timeout' ? 'timeout' : 'attempts' };
  }
  return { kind: 'retry', error, delayMs: backoffDelayMs(attempt.backoff, attempt.attempt, attempt.random) };
}

function isCancel(thrown: unknown): boolean {
  return thrown instanceof Abort && thrown.kind === 'cancelled';
}
