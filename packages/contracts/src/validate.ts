import type { z } from 'zod';
import { PermanentError, RateLimitedError } from './errors.ts';
import { contractOf, isJobType, type JobPayload, type JobResult, type JobType } from './registry.ts';

/** One bad field: its path from the root of what was sent, and why. */
export interface FieldProblem {
  path: string;
  message: string;
  code: string;
}

/** Every problem that zod found, as paths a producer can read. Values are not repeated: they may be personal. */
export function fieldProblems(error: z.ZodError, prefix: readonly PropertyKey[] = []): FieldProblem[] {
  return error.issues.flatMap((issue): FieldProblem[] => {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: [...path, key].map(String).join('.'),
        message: 'is not a known field',
        code: issue.code,
      }));
    }
    return [{ path: path.map(String).join('.'), message: issue.message, code: issue.code ?? 'custom' }];
  });
}

/** How soon a job is offered again that only a newer worker can do. */
const newerWorkerMs = 15_000;

/**
 * A payload as it lies in a ledger or a queue, brought to the present version of its contract and checked.
 * @throws PermanentError `contract_violation`, naming the fields, never their values
 * @throws RateLimitedError `payload_too_new`, in the middle of a deploy: it waits for a worker that knows its version
 */
export function parsePayload<Type extends JobType>(type: Type, version: number, payload: unknown): JobPayload<Type> {
  if (!isJobType(type)) {
    throw new PermanentError({ code: 'contract_violation', message: `No contract for job type ${String(type)}` });
  }
  const contract = contractOf(type);
  if (version > contract.version) {
    throw new RateLimitedError({
      code: 'payload_too_new',
      message: `The payload has version ${version}; this worker knows ${type} up to version ${contract.version}`,
      retryAfterMs: newerWorkerMs,
    });
  }
  const current = upgradePayload(type, version, payload as Record<string, unknown>);
  const parsed = contract.payload.safeParse(current);
  if (!parsed.success) throw contractViolation(`payload of ${type}`, parsed.error);
  return parsed.data as JobPayload<Type>;
}

/**
 * A payload of an older version, brought to the present one and not checked.
 * @throws PermanentError `contract_violation` where there is no way
 */
export function upgradePayload(type: JobType, version: number, payload: Record<string, unknown>) {
  const contract = contractOf(type);
  let current = payload;
  for (let step = version; step < contract.version; step += 1) {
    const upgrade = contract.upgrades[step];
    if (upgrade === undefined) {
      throw new PermanentError({
        code: 'contract_violation',
        message: `${type} has no upgrade from payload version ${step}`,
      });
    }
    current = upgrade(current);
  }
  return current;
}

/** @throws PermanentError `contract_violation` when a handler returned what its contract does not allow */
export function parseResult<Type extends JobType>(type: Type, result: unknown): JobResult<Type> {
  const parsed = contractOf(type).result.safeParse(result);
  if (!parsed.success) throw contractViolation(`result of ${type}`, parsed.error);
  return parsed.data as JobResult<Type>;
}

function contractViolation(what: string, error: z.ZodError): PermanentError {
  const problems = fieldProblems(error).map((problem) => `${problem.path || '(root)'} ${problem.message}`);
  return new PermanentError({
    code: 'contract_violation',
    message: `The ${what} does not fit its contract: ${problems.join('; ')}`,
  });
}
