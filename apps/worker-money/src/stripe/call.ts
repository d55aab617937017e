import {
  canonicalJson,
  type JobError,
  PermanentError,
  RetryableError,
  UnknownOutcomeError,
} from '@queue-service/contracts';
import { mapStripeError } from './errors.ts';

/**
 * A request that changes something. An abort gives up waiting, not the request: it may be done.
 * @param refine what an error means to this operation in particular, before the general rule is asked
 * @throws JobError of `mapStripeError`
 */
export async function change<T>(
  signal: AbortSignal,
  request: () => Promise<T>,
  refine?: (error: unknown) => JobError | undefined,
): Promise<T> {
  if (signal.aborted)
    throw new RetryableError({ code: 'aborted', message: 'The attempt ended before the request left' });
  try {
    return await untilAborted(signal, request(), () => {
      return new UnknownOutcomeError({ code: 'aborted', message: 'The attempt ended while Stripe was at work' });
    });
  } catch (error) {
    throw refine?.(error) ?? mapStripeError(error);
  }
}

/**
 * A request that only reads, so that whatever goes wrong with it, nothing happened.
 * @throws PermanentError, RateLimitedError, RetryableError
 */
export async function read<T>(signal: AbortSignal, request: () => Promise<T>): Promise<T> {
  const aborted = () => new RetryableError({ code: 'aborted', message: 'The attempt ended while Stripe was asked' });
  if (signal.aborted) throw aborted();
  try {
    return await untilAborted(signal, request(), aborted);
  } catch (error) {
    const mapped = mapStripeError(error);
    if (mapped instanceof UnknownOutcomeError) throw new RetryableError({ code: mapped.code, message: mapped.message });
    throw mapped;
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

/**
 * The parameters in one order, whatever order they were kept in: PostgreSQL's jsonb sorts keys its own way, and a
 * repeat must leave byte for byte as the first request did.
 */
export function inOrder<T>(params: T): T {
  return JSON.parse(canonicalJson(params)) as T;
}

async function untilAborted<T>(signal: AbortSignal, work: Promise<T>, onAbort: () => JobError): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(onAbort());
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
    // After an abort nobody waits for the answer any more; its failure must not end the process.
    work.catch(() => {});
  }
}
