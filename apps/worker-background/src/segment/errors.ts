import {
  type JobError,
  PermanentError,
  RateLimitedError,
  RetryableError,
  UnknownOutcomeError,
} from '@queue-service/contracts';

const second = 1_000;
/** Where Segment asks for patience without saying how much. */
const defaultPatienceMs = 30 * second;
/** Longer waits are not believed: the queue would stand still on one bad header. */
const mostPatienceMs = 3_600 * second;

/** Segment took no event of this batch; which one is at fault it does not say. */
export class BatchRefusedError extends Error {
  override readonly name = 'BatchRefusedError';
}

/**
 * What an answer of Segment other than 2xx means for the events of its batch.
 * https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#errors
 * @param events how many were in the batch
 */
export function errorOfAnswer(status: number, retryAfter: string | null, events: number): JobError | BatchRefusedError {
  if (status === 401 || status === 403) {
    return new PermanentError({
      code: 'provider_authentication_failed',
      message: `Segment does not accept SEGMENT_WRITE_KEY (${status})`,
    });
  }
  if (status === 429) {
    return new RateLimitedError({
      code: 'provider_rate_limited',
      message: 'Segment asks for patience',
      retryAfterMs: patienceMs(retryAfter),
    });
  }
  if (status === 400 || status === 413) {
    if (events > 1) return new BatchRefusedError(`Segment refused a batch of ${events} events (${status})`);
    return new PermanentError({ code: 'invalid_request', message: `Segment refused the event (${status})` });
  }
  // The event may have been taken; a repeat under the same messageId is dropped there.
  return new UnknownOutcomeError({ code: 'provider_error', message: `Segment answered ${status}` });
}

/** What it means that no answer came. */
export function errorOfFailure(error: unknown): JobError {
  const code = (error as { cause?: { code?: unknown } }).cause?.code;
  const neverLeft = code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN';
  if (neverLeft) {
    return new RetryableError({
      code: 'provider_unreachable',
      message: `Segment cannot be reached (${code})`,
      cause: error,
    });
  }
  const name = error instanceof Error ? error.name : typeof error;
  const timedOut = name === 'TimeoutError';
  return new UnknownOutcomeError({
    code: timedOut ? 'provider_timeout' : 'provider_connection_lost',
    message: timedOut ? 'Segment did not answer in time' : 'The connection to Segment was lost',
    cause: error,
  });
}

/** Why the SDK itself gave an event up: its size, which it measures before it sends. */
export function errorOfSdk(reason: unknown): JobError {
  const text = reason instanceof Error ? reason.message : '';
  if (/size/.test(text))
    return new PermanentError({ code: 'invalid_request', message: `Segment's SDK refused the event: ${text}` });
  return new UnknownOutcomeError({ code: 'provider_error', message: 'The event was not delivered', cause: reason });
}

function patienceMs(retryAfter: string | null): number {
  const seconds = Number(retryAfter ?? Number.NaN);
  if (!Number.isFinite(seconds) || seconds < 0) return defaultPatienceMs;
  return Math.min(Math.max(seconds * second, second), mostPatienceMs);
}
