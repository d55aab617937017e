import {
  type FieldProblem,
  type Problem as ProblemBody,
  type ProblemCode,
  problemCodes,
} from '@queue-service/contracts';

export interface ProblemInit {
  /** What is wrong in this case; public, so without values of the request, which may be personal. */
  detail?: string;
  errors?: readonly FieldProblem[];
  headers?: Readonly<Record<string, string>>;
  retryAfterSeconds?: number;
  /** For the log only. */
  cause?: unknown;
}

/** An answer other than success, by its code. Thrown anywhere below a route, answered as RFC 9457 problem details. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly status: number;
  readonly detail: string | undefined;
  readonly errors: readonly FieldProblem[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, init: ProblemInit = {}) {
    const { status, title } = problemCodes[code];
    super(init.detail ?? title, { cause: init.cause });
    this.code = code;
    this.status = status;
    this.detail = init.detail;
    this.errors = init.errors ?? [];
    const retryAfter = init.retryAfterSeconds;
    this.headers = { ...init.headers, ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }) };
  }
}

/** More than these help nobody, and would let a small request make a large answer. */
const MOST_ERRORS_SHOWN = 1_000;

/** @param where path of the request and its id, where there is one */
export function problemBody(problem: Problem, where?: { instance: string; requestId: string }): ProblemBody {
  const hidden = problem.errors.length - MOST_ERRORS_SHOWN;
  const detail =
    hidden > 0 ? `${problem.errors.length} fields are bad; the first ${MOST_ERRORS_SHOWN} are listed` : problem.detail;
  return {
    type: `urn:queue-service:problem:${problem.code}`,
    title: problemCodes[problem.code].title,
    status: problem.status,
    code: problem.code,
    ...(detail === undefined ? {} : { detail }),
    ...where,
    ...(problem.errors.length === 0 ? {} : { errors: problem.errors.slice(0, MOST_ERRORS_SHOWN) }),
  };
}
