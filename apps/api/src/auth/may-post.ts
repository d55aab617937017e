import { contractOf, type FieldProblem, isJobType } from '@queue-service/contracts';
import { Problem } from '../http/problem.ts';
import type { Actor } from './access.ts';

/** A job that is asked for, alone or as part of something. */
export interface AskedJob {
  readonly type: string;
  readonly data: Record<string, unknown>;
  /** Of its type in the body: `type`, `jobs.3.type`. */
  readonly path: string;
}

/** Refuses jobs that nobody, or not this actor, may have made. @throws Problem `forbidden` with every one of them */
export function requireMayPost({ principal, tenantId }: Actor, jobs: readonly AskedJob[]): void {
  const poster = { admin: principal.roles.includes('admin'), tenantId };
  const errors = jobs.flatMap(({ type, data, path }): FieldProblem[] => {
    const reason = isJobType(type) ? contractOf(type).refuses(data, poster) : null;
    return reason === null ? [] : [{ path, message: `${type} ${reason}`, code: 'forbidden' }];
  });
  const [first] = errors;
  if (first !== undefined) throw new Problem('forbidden', { detail: first.message, errors });
}
