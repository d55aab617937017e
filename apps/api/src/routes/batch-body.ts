import { contractOf, maxBatchJobs } from '@queue-service/contracts';
import { Problem } from '../http/problem.ts';
import type { BodyOutcome } from '../http/route.ts';
import { checkJob, type PostedJob } from './job-body.ts';

/**
 * The body of POST /jobs/batch. Every job is checked, whatever the others have, and errors are listed by index.
 * @param moneyLimitBytes largest job of the money queue
 */
export function readPostedBatch(moneyLimitBytes: number): (raw: unknown) => BodyOutcome<PostedJob[]> {
  return (raw) => {
    const isObject = typeof raw === 'object' && raw !== null && !Array.isArray(raw);
    const { jobs, ...others } = (isObject ? raw : {}) as Record<string, unknown>;
    const errors = Object.keys(others).map((path) => ({ path, message: 'is not known', code: 'unrecognized_keys' }));
    if (!Array.isArray(jobs) || jobs.length < 1 || jobs.length > maxBatchJobs) {
      errors.push({ path: 'jobs', message: `must be a list of 1 to ${maxBatchJobs} jobs`, code: 'invalid_type' });
      return { ok: false, problem: new Problem('validation_failed', { errors }) };
    }
    const checks = jobs.map(checkJob);
    checks.forEach((check, index) => {
      const found = check.ok ? tooLarge(check.job, jobs[index], moneyLimitBytes) : check.errors;
      errors.push(...found.map((error) => ({ ...error, path: joined(`jobs.${index}`, error.path) })));
    });
    if (errors.length > 0) {
      const codes = new Set(checks.flatMap((check) => (check.ok ? [] : [check.code])));
      const [only = 'validation_failed'] = codes;
      return { ok: false, problem: new Problem(codes.size === 1 ? only : 'validation_failed', { errors }) };
    }
    return { ok: true, value: checks.flatMap((check) => (check.ok ? [check.job] : [])) };
  };
}

function tooLarge(job: PostedJob, raw: unknown, limitBytes: number) {
  if (contractOf(job.type).queue !== 'money' || Buffer.byteLength(JSON.stringify(raw)) <= limitBytes) return [];
  return [{ path: '', message: `is larger than ${limitBytes} bytes`, code: 'body_too_large' }];
}

function joined(parent: string, path: string): string {
  return path === '' ? parent : `${parent}.${path}`;
}
