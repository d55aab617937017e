import {
  canonicalJson,
  DeferredError,
  type JobError,
  PermanentError,
  RetryableError,
  UnknownOutcomeError,
} from '@queue-service/contracts';
import type { EffectCall } from '@queue-service/queue';
import { mapStripeError } from './errors.ts';
import { underWay } from './http-client.ts';

/** The word that Stripe puts into `object`: an answer without it, from a proxy say, is none. */
type Kind = 'payment_intent' | 'refund' | 'transfer' | 'payout';

/**
 * A request that changes something.
 * @param refine what an error means to this operation in particular, before the general rule is asked
 * @throws JobError of `mapStripeError`, ClaimLostError
 */
export async function change<Answer extends { id: string; object: string }>(
  call: Pick<EffectCall, 'signal' | 'requireClaim'>,
  kind: Kind,
  request: () => Promise<Answer>,
  refine?: (error: unknown) => JobError | undefined,
): Promise<Answer> {
  if (call.signal.aborted) throw aborted('before the request left');
  try {
    const answer = await underWay.run(call, request);
    if (isObject(answer, kind)) return answer;
  } catch (error) {
    throw refine?.(error) ?? mapStripeError(error);
  }
  throw new UnknownOutcomeError({ code: 'provider_error', message: `Stripe's answer is no ${kind}` });
}

/**
 * A request of which it does not matter how often it is done: it moves no money, and what it makes is harmless.
 * @throws PermanentError, RetryableError, RateLimitedError, DeferredError
 */
export async function prepare<Answer extends { id: string; object: string }>(
  call: Pick<EffectCall, 'signal' | 'requireClaim'>,
  kind: Kind,
  request: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await change(call, kind, request);
  } catch (error) {
    throw asNothingHappened(error);
  }
}

/**
 * A request that only reads, so that whatever goes wrong with it, nothing happened.
 * @throws PermanentError, RateLimitedError, RetryableError
 */
export async function read<T>(signal: AbortSignal, request: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw aborted('before Stripe was asked');
  try {
    return await untilAborted(signal, underWay.run({ signal }, request));
  } catch (error) {
    throw asNothingHappened(mapStripeError(error));
  }
}

/** A read whose object may not exist: null then. */
export async function readIfThere<T>(signal: AbortSignal, request: () => Promise<T>): Promise<T | null> {
  return read(signal, () =>
    request().catch((error: { code?: unknown; statusCode?: unknown }) => {
      if (error.code === 'resource_missing' && error.statusCode === 404) return null;
      throw error;
    }),
  );
}

/**
 * A read while the outcome of an effect is open. A refusal (a key that was revoked meanwhile) says nothing about the
 * effect, so it must not come out as PermanentError, which would book the effect as rejected.
 */
export async function ask<T>(signal: AbortSignal, request: () => Promise<T>): Promise<T> {
  try {
    return await read(signal, request);
  } catch (error) {
    if (error instanceof PermanentError) throw new RetryableError({ code: error.code, message: error.message });
    throw error;
  }
}

/** One object, asked for while the outcome of an effect is open. @throws RetryableError also for an answer that is none */
export async function askFor<Answer extends { id: string; object: string }>(
  signal: AbortSignal,
  kind: Kind,
  id: string,
  request: () => Promise<Answer>,
): Promise<Answer> {
  const answer = await ask(signal, request);
  if (isObject(answer, kind) && answer.id === id) return answer;
  throw new RetryableError({
    code: 'provider_error',
    message: `Stripe's answer is not the ${kind} that was asked for`,
  });
}

/**
 * The parameters in one order, whatever order they were kept in: PostgreSQL's jsonb sorts keys its own way, and a
 * repeat must leave byte for byte as the first request did.
 */
export function inOrder<T>(params: T): T {
  return JSON.parse(canonicalJson(params)) as T;
}

function isObject(answer: unknown, kind: Kind): boolean {
  const { id, object } = (answer ?? {}) as { id?: unknown; object?: unknown };
  return object === kind && typeof id === 'string' && id !== '';
}

function asNothingHappened(error: unknown): unknown {
  if (!(error instanceof UnknownOutcomeError)) return error;
  const { retryAfterMs } = error;
  // An earlier one of ours is still at work.
  if (retryAfterMs !== null) return new DeferredError({ reason: error.message, retryAfterMs });
  return new RetryableError({ code: error.code, message: error.message });
}

function aborted(when: string): RetryableError {
  return new RetryableError({ code: 'aborted', message: `The attempt ended ${when}` });
}

async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(aborted('while Stripe was asked'));
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    // After an abort nobody waits for the answer any more; its failure must not end the process.
    work.catch(() => {});
  }
}
