import { PermanentError, RateLimitedError, RetryableError, UnknownOutcomeError } from '@queue-service/contracts';
import { describe, expect, it } from 'vitest';
import { ClaimLostError } from '../effects/effect-store.ts';
import { snooze } from '../handler.ts';
import { Abort } from './abort.ts';
import { type AttemptEnd, certainOutcome, type Outcome, outcomeOf } from './outcome.ts';

const backoff = { kind: 'exponential', baseMs: 2_000, maxMs: 60_000 } as const;
function outcome(end: AttemptEnd['end'], more: Partial<AttemptEnd> = {}) {
  return outcomeOf({ end, abort: null, attempt: 1, maxAttempts: 3, backoff, random: 0.5, ...more });
}
const init = { code: 'c', message: 'm' };

it('completes with a result, even one that comes after an abort', () => {
  expect(outcome({ returned: { a: 1 } })).toEqual({ kind: 'completed', result: { a: 1 } });
  for (const kind of ['timeout', 'cancelled', 'shutdown'] as const) {
    expect(outcome({ returned: { a: 1 } }, { abort: new Abort(kind, '') }).kind).toBe('completed');
  }
});

it('retries with jittered exponential backoff until the attempts are used up', () => {
  const error = new RetryableError(init);
  expect(outcome({ thrown: error }, { attempt: 2 })).toMatchObject({ kind: 'retry', delayMs: 3_000 });
  expect(outcome({ thrown: error }, { attempt: 3 })).toMatchObject({ kind: 'dead', reason: 'attempts' });
  expect(outcome({ thrown: new UnknownOutcomeError(init) })).toMatchObject({ kind: 'retry' });
});

it('never retries what is permanent', () => {
  expect(outcome({ thrown: new PermanentError(init) })).toMatchObject({ kind: 'dead', reason: 'permanent' });
  expect(outcome({ thrown: new PermanentError({ ...init, code: 'contract_violation' }) })).toMatchObject({
    reason: 'contract',
  });
});

it('uses no attempt for a rate limit, a poll or a shutdown', () => {
  const last = { attempt: 3 };
  expect(outcome({ thrown: new RateLimitedError({ ...init, retryAfterMs: 70 }) }, last)).toMatchObject({
    kind: 'returned',
    delayMs: 70,
  });
  expect(outcome({ thrown: new UnknownOutcomeError({ ...init, retryAfterMs: 80 }) }, last)).toMatchObject({
    kind: 'returned',
    why: 'in_progress',
    delayMs: 80,
  });
  expect(outcome({ returned: snooze(90, 'waits') }, last)).toMatchObject({
    kind: 'returned',
    why: 'snoozed',
    delayMs: 90,
  });
  expect(outcome({ thrown: new Error('x') }, { ...last, abort: new Abort('shutdown', '') })).toMatchObject({
    kind: 'returned',
    delayMs: 0,
  });
});

it('calls a time-out by its name, also as the reason of death', () => {
  const abort = new Abort('timeout', 'longer than 5 ms');
  expect(outcome({ thrown: new Error('x') }, { abort })).toMatchObject({ kind: 'retry', error: { code: 'timeout' } });
  expect(outcome({ thrown: new Error('x') }, { abort, attempt: 3 })).toMatchObject({ kind: 'dead', reason: 'timeout' });
});

it('says nothing of a job that somebody else holds', () => {
  expect(outcome({ thrown: new ClaimLostError('j') })).toEqual({ kind: 'lost' });
  expect(outcome({ thrown: new PermanentError(init) }, { abort: new Abort('lost', '') })).toEqual({ kind: 'lost' });
});

it('ends as cancelled when the signal was aborted for that', () => {
  expect(outcome({ thrown: new Error('x') }, { abort: new Abort('cancelled', '') })).toEqual({
    kind: 'cancelled',
    acted: [],
  });
});

describe('an end', () => {
  const died = { kind: 'dead', reason: 'timeout', error: { code: 'timeout', message: 'm', retryable: true } } as const;
  const refused = { ...died, reason: 'permanent' } as const;
  const cancelled = { kind: 'cancelled', acted: [] } as const;
  const verdict = { error: died.error, reason: 'attempts' } as const;
  const open = [{ name: 'charge', status: 'unknown', providerId: null }] as const;
  const done = [{ name: 'charge', status: 'confirmed', providerId: 'pi_1' }] as const;

  it.each([
    ['a failure without effects stands', died, undefined, [], died],
    [
      'a failure with an effect, open or done, is looked into',
      died,
      undefined,
      done,
      { kind: 'settling', verdict: { reason: 'timeout' } },
    ],
    ['so is a cancel', cancelled, undefined, open, { kind: 'settling', verdict: null }],
    ['what is open is asked for again', refused, verdict, open, { kind: 'settling', verdict }],
    ['a time-out of the look itself says nothing', died, verdict, done, { kind: 'settling', verdict }],
    ['a refusal that was found out counts', refused, verdict, [], refused],
    ['what did not happen leaves the verdict', cancelled, verdict, [], { kind: 'dead', ...verdict }],
    ['or the cancel', cancelled, null, [], { kind: 'cancelled', acted: [] }],
  ] as const)('%s', (_, outcome, given, acted, expected) => {
    expect(certainOutcome(outcome as Outcome, given, acted)).toMatchObject(expected);
  });
});
