/** What every error class of a job carries. `code` is stable and safe to show; `message` never holds personal data or secrets. */
export interface JobErrorInit {
  code: string;
  message: string;
  cause?: unknown;
}

/**
 * The base of the few classes a handler or a provider adapter throws. The worker host alone decides what a class
 * means; adapters only choose the class that is true.
 */
export abstract class JobError extends Error {
  readonly code: string;

  constructor(init: JobErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = new.target.name;
    this.code = init.code;
  }
}

/** It can never succeed as it stands (card declined, bad address, contract violation): no retry, dead letter. */
export class PermanentError extends JobError {}

/** It may succeed later and nothing has happened outside (connection refused, 503 before the work). Uses an attempt. */
export class RetryableError extends JobError {}

/** Something else must happen first (a payment that is not settled): the job is looked at again later. Uses no attempt. */
export class DeferredError extends JobError {
  readonly retryAfterMs: number;

  constructor({ reason, retryAfterMs }: { reason: string; retryAfterMs: number }) {
    super({ code: 'waiting', message: reason });
    this.retryAfterMs = retryAfterMs;
  }
}

/** The provider asks for patience. Honoured as it asks; never uses an attempt. */
export class RateLimitedError extends JobError {
  /** How long the provider wants us to wait, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(init: JobErrorInit & { retryAfterMs: number }) {
    super(init);
    this.retryAfterMs = init.retryAfterMs;
  }
}

/**
 * The request left and no answer came (time-out, 5xx, connection lost): it may have happened. The effect is marked
 * `unknown`; the next attempt reconciles before it sends anything.
 */
export class UnknownOutcomeError extends JobError {
  /**
   * Set where an earlier request of ours is known to be still at work: how long until it is asked about again, in
   * milliseconds. Waiting for it uses no attempt. Null for all else.
   */
  readonly retryAfterMs: number | null;

  constructor(init: JobErrorInit & { retryAfterMs?: number }) {
    super(init);
    this.retryAfterMs = init.retryAfterMs ?? null;
  }
}

/** What is kept and shown of a failure: in the ledger, on the job, in a dead letter. */
export interface FailureRecord {
  code: string;
  message: string;
  retryable: boolean;
}

/** An error of unknown make is not trusted to be free of personal data: only its class name is kept. */
export function failureRecord(error: unknown): FailureRecord {
  if (error instanceof JobError) {
    return { code: error.code, message: error.message, retryable: !(error instanceof PermanentError) };
  }
  const kind = error instanceof Error ? error.name : typeof error;
  return {
    code: 'internal_error',
    message: `The handler failed with ${kind}; the log of the worker has the details.`,
    retryable: true,
  };
}
