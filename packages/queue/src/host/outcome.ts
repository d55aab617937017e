import {
  backoffDelayMs,
  DeferredError,
  type FailureRecord,
  failureRecord,
  type JobPolicy,
  PermanentError,
  RateLimitedError,
  UnknownOutcomeError,
} from '@queue-service/contracts';
import type { ActedEffect, DeadLetterReason, SettlingVerdict } from '@queue-service/persistence';
import { isOpen } from '../effects/effect-machine.ts';
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
      why: 'rate_limited' | 'in_progress' | 'snoozed' | 'shutdown' | 'isolated';
      error: FailureRecord | null;
      delayMs: number;
    }
  /**
   * It is over, but whether an effect of it happened is not certain yet: back to the queue without using an attempt, and
   * from now on providers are only asked. The verdict is how it fails when nothing happened; null when it is cancelled.
   */
  | { kind: 'settling'; verdict: SettlingVerdict | null; error: FailureRecord; delayMs: number }
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
  if (end.thrown instanceof DeferredError) {
    return { kind: 'returned', why: 'snoozed', error: failureRecord(end.thrown), delayMs: end.thrown.retryAfterMs };
  }
  if (end.thrown instanceof RateLimitedError) {
    return {
      kind: 'returned',
      why: 'rate_limited',
      error: failureRecord(end.thrown),
      delayMs: end.thrown.retryAfterMs,
    };
  }
  if (end.thrown instanceof UnknownOutcomeError && end.thrown.retryAfterMs !== null) {
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

/** How soon a provider is asked again that had no time of its own to give. */
const settlePollMs = 15_000;

/**
 * An end stands only on certainty: cancelled or failed says that no money moved, now or later. As long as an effect may
 * have happened, the job goes back and asks again.
 * @param verdict what the job was to end as before this attempt, which only asked; undefined in an ordinary attempt
 * @param acted effects that were carried out, or may have been, as they are after the attempt
 */
export function certainOutcome(
  outcome: Outcome,
  verdict: SettlingVerdict | null | undefined,
  acted: readonly ActedEffect[],
): Outcome {
  if (outcome.kind === 'completed' || outcome.kind === 'lost') return outcome;
  const open = acted.filter(({ status }) => isOpen(status));
  const again = (delayMs: number, kept: SettlingVerdict | null): Outcome => ({
    ...{ kind: 'settling', verdict: kept, delayMs },
    error: settlingError(kept, open),
  });
  if (verdict === undefined) {
    // What was carried out may make it complete after all: the handler says so, in a run that sends nothing.
    if (acted.length === 0 || (outcome.kind !== 'dead' && outcome.kind !== 'cancelled')) return outcome;
    return again(0, outcome.kind === 'dead' ? { error: outcome.error, reason: outcome.reason } : null);
  }
  // The handler's own word. A time-out, say, is none.
  const decided =
    outcome.kind === 'cancelled' ||
    (outcome.kind === 'dead' && (outcome.reason === 'permanent' || outcome.reason === 'contract'));
  if (open.length > 0 || (!decided && acted.length > 0)) {
    return again('delayMs' in outcome ? Math.max(outcome.delayMs, 100) : settlePollMs, verdict);
  }
  if (outcome.kind === 'dead' && decided) return outcome;
  return verdict === null ? { kind: 'cancelled', acted: [...acted] } : { kind: 'dead', ...verdict };
}

function settlingError(verdict: SettlingVerdict | null, open: readonly ActedEffect[]): FailureRecord {
  const names = open.map(({ name }) => name).join(', ');
  const why = verdict === null ? 'It is to be cancelled' : `It failed (${verdict.error.code})`;
  const what =
    names === ''
      ? 'the provider is asked what became of it'
      : `${names} may have been carried out; the provider is asked`;
  return { code: 'outcome_pending', message: `${why}, and ${what}`, retryable: true };
}

function isCancel(thrown: unknown): boolean {
  return thrown instanceof Abort && thrown.kind === 'cancelled';
}
