import { type JobError, RetryableError, UnknownOutcomeError } from '@queue-service/contracts';

/** Codes of errors that come before a byte of the request has left. */
const beforeSending = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** The error and what caused it, from the outside in. */
export function* causes(error: unknown): Generator<unknown> {
  for (let current = error, depth = 0; current !== undefined && current !== null && depth < 5; depth += 1) {
    yield current;
    current = (current as { cause?: unknown }).cause;
  }
}

/** The code of the first error in the chain that has one, such as `ECONNREFUSED`. */
export function transportCode(error: unknown): string | null {
  for (const cause of causes(error)) {
    const { code } = cause as { code?: unknown };
    if (typeof code === 'string') return code;
  }
  return null;
}

/**
 * What a request that got no answer means: it may be repeated freely when it never left, otherwise its outcome is
 * unknown. HTTP clients' errors hold the whole request, so none is kept as `cause`: only the code goes on.
 *
 * @param provider named in the message
 */
export function unanswered(provider: string, error: unknown): JobError {
  const code = transportCode(error);
  if (code !== null && beforeSending.has(code)) {
    return new RetryableError({ code: 'provider_unreachable', message: `${provider} cannot be reached (${code})` });
  }
  return new UnknownOutcomeError({
    code: 'provider_no_answer',
    message: `${provider} gave no answer${code === null ? '' : ` (${code})`}; the request may have been carried out`,
  });
}
