import { type JobResource, type Problem, problemSchema } from '#contracts';

/** The API refused the request. `code` is stable: switch on it. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  /** A code of RFC 9457 problem details, or `unexpected_answer` when something else than the API answered. */
  readonly code: Problem['code'] | 'unexpected_answer';
  readonly status: number;
  /** What happened, without the bad fields, which `message` names too. */
  readonly detail: string;
  /** Every bad field with its path; empty unless the code is about fields. */
  readonly errors: NonNullable<Problem['errors']>;
  /** To be named to whoever runs the service. */
  readonly requestId: string | undefined;

  constructor(status: number, problem: Problem | undefined) {
    const detail = problem?.detail ?? problem?.title ?? `The answer ${status} is not one of this API`;
    super([detail, ...(problem?.errors ?? []).map(({ path, message }) => `${path} ${message}`)].join('; '));
    this.status = status;
    this.detail = detail;
    this.code = problem?.code ?? 'unexpected_answer';
    this.errors = problem?.errors ?? [];
    this.requestId = problem?.requestId;
  }
}

/** The job ended as `failed` or `cancelled`; `job.error` says why. */
export class JobFailedError extends Error {
  override readonly name = 'JobFailedError';
  readonly job: JobResource;

  constructor(job: JobResource) {
    super(`Job ${job.id} ${job.status}${job.error === null ? '' : `: ${job.error.code}: ${job.error.message}`}`);
    this.job = job;
  }
}

/** What was waited for had not ended in time. It goes on in the service. */
export class WaitTimeoutError extends Error {
  override readonly name = 'WaitTimeoutError';
  readonly id: string;

  constructor(what: string, id: string, timeoutMs: number) {
    super(`${what} ${id} has not ended within ${timeoutMs} ms`);
    this.id = id;
  }
}

/** The error of an answer that is no success. */
export function problemOf(status: number, body: unknown): ProblemError {
  const parsed = problemSchema.safeParse(body);
  return new ProblemError(status, parsed.success ? parsed.data : undefined);
}
