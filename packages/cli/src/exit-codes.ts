import { JobFailedError, ProblemError, WaitTimeoutError } from '@queue-service/client';

/** What the process ends with; part of the interface, shown in `queuectl --help`. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  jobFailed: 5,
  timeout: 6,
} as const;

export const exitCodesHelp = `
Exit codes:
  0  done
  1  something unexpected failed
  2  wrong use: unknown command, bad option, missing variable
  3  the API refused the request (its code is printed)
  4  the API cannot be reached, or asks for patience for too long
  5  the followed job or flow failed or was cancelled; the books differ
  6  the followed job or flow had not ended in time`;

/** Wrong use that commander cannot see. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The API answers, but not with what the command needs. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** What to tell the user of an error, and with which code to end. */
export function explain(error: unknown): { code: number; lines: string[] } {
  if (error instanceof UsageError) return { code: exitCodes.usage, lines: [error.message] };
  if (error instanceof RefusedError) return { code: exitCodes.refused, lines: [error.message] };
  if (error instanceof JobFailedError) return { code: exitCodes.jobFailed, lines: [error.message] };
  if (error instanceof WaitTimeoutError) return { code: exitCodes.timeout, lines: [error.message] };
  if (error instanceof ProblemError) {
    const patience = error.status === 429 || error.status === 503;
    return {
      code: patience ? exitCodes.unreachable : exitCodes.refused,
      lines: [
        `${error.code} (${error.status}): ${error.detail}`,
        ...error.errors.map(({ path, message }) => `  ${path}: ${message}`),
        ...(error.requestId === undefined ? [] : [`request ${error.requestId}`]),
      ],
    };
  }
  if (error instanceof TypeError && error.message === 'fetch failed') {
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
    return { code: exitCodes.unreachable, lines: [`The API cannot be reached${cause}`] };
  }
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return { code: exitCodes.unreachable, lines: ['The API did not answer in time'] };
  }
  return { code: exitCodes.failed, lines: [error instanceof Error ? error.message : String(error)] };
}
