import {
  contractOf,
  createJobSchema,
  type FieldProblem,
  fieldProblems,
  isJobType,
  type JobOptions,
  type JobType,
  type ProblemCode,
  queueNameSchema,
  queueNames,
} from '@queue-service/contracts';
import { Problem } from '../http/problem.ts';
import type { BodyOutcome } from '../http/route.ts';

/** A posted job after the check of its envelope and, by the contract of its type, of its data. */
export interface PostedJob {
  readonly type: JobType;
  /** With the contract's defaults filled in. */
  readonly data: Record<string, unknown>;
  readonly options: JobOptions;
}

export type JobCheck = { ok: true; job: PostedJob } | { ok: false; code: ProblemCode; errors: FieldProblem[] };

/** Checks one job of a request. Envelope and data are checked both, whatever the other has, so that every bad field is listed. */
export function checkJob(raw: unknown): JobCheck {
  const envelope = createJobSchema.safeParse(raw);
  const { queue, type, data } = fieldsOf(raw);
  const envelopeErrors = envelope.success ? [] : fieldProblems(envelope.error);
  const names = checkNames(queue, type);
  const checked = checkData(type, data);
  const errors = [...envelopeErrors, ...names.errors, ...checked.errors];
  if (envelope.success && checked.type !== undefined && errors.length === 0) {
    return { ok: true, job: { type: checked.type, data: checked.data, options: envelope.data.options ?? {} } };
  }
  return { ok: false, code: names.code ?? 'validation_failed', errors };
}

/** The body of POST /jobs. @param moneyLimitBytes largest body of a job of the money queue */
export function readPostedJob(moneyLimitBytes: number): (raw: unknown, bytes: number) => BodyOutcome<PostedJob> {
  return (raw, bytes) => {
    const check = checkJob(raw);
    if (!check.ok) return { ok: false, problem: new Problem(check.code, { errors: check.errors }) };
    if (contractOf(check.job.type).queue === 'money' && bytes > moneyLimitBytes) {
      const detail = `The limit for the queue money is ${moneyLimitBytes} bytes`;
      return { ok: false, problem: new Problem('body_too_large', { detail }) };
    }
    return { ok: true, value: check.job };
  };
}

function fieldsOf(raw: unknown): { queue?: unknown; type?: unknown; data?: unknown } {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw) ? raw : {};
}

/** Of texts only: anything else is already a problem of the envelope. */
function checkNames(queue: unknown, type: unknown): { code?: ProblemCode; errors: FieldProblem[] } {
  const errors: FieldProblem[] = [];
  let code: ProblemCode | undefined;
  if (typeof type === 'string' && !isJobType(type)) {
    code = 'unknown_job_type';
    errors.push({ path: 'type', message: 'is not a job type of this service', code });
  }
  if (typeof queue === 'string' && !queueNameSchema.safeParse(queue).success) {
    code = 'unknown_queue';
    errors.push({ path: 'queue', message: `is not one of ${queueNames.join(', ')}`, code });
  } else if (typeof queue === 'string' && typeof type === 'string' && isJobType(type)) {
    const belongs = contractOf(type).queue;
    if (queue !== belongs)
      errors.push({ path: 'queue', message: `${type} belongs to the queue ${belongs}`, code: 'wrong_queue' });
  }
  return code === undefined ? { errors } : { code, errors };
}

function checkData(
  type: unknown,
  data: unknown,
): { type?: JobType; data: Record<string, unknown>; errors: FieldProblem[] } {
  const isObject = typeof data === 'object' && data !== null && !Array.isArray(data);
  if (typeof type !== 'string' || !isJobType(type) || !isObject) return { data: {}, errors: [] };
  const parsed = contractOf(type).payload.safeParse(data);
  if (!parsed.success) return { data: {}, errors: fieldProblems(parsed.error, ['data']) };
  return { type, data: parsed.data, errors: [] };
}
