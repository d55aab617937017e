import {
  contractOf,
  type JobInput,
  type JobOptions,
  type JobResource,
  type JobResult,
  type JobType,
  jobAnswerSchema,
} from '#contracts';
import { JobFailedError } from './errors.ts';
import type { Timing } from './pauses.ts';
import type { Send } from './transport.ts';
import { type WaitOptions, waitUntilEnded } from './wait.ts';

/** A job whose type is known here: its result has the shape of that type's contract. */
export type JobOf<Type extends JobType> = Omit<JobResource, 'type' | 'result'> & {
  type: Type;
  result: JobResult<Type> | null;
};

/** The id of a job, or the job that `add` answered, which knows its type. */
export type JobReference<Type extends JobType> = string | Pick<JobOf<Type>, 'id' | 'type'>;

export interface RequestOptions {
  readonly signal?: AbortSignal;
}

export interface Jobs {
  /**
   * Adds a job. Without `options.idempotencyKey` a random key is used, so the retries of this call make one job; give a
   * key of your own (an order id) to make repeats of the call one job too.
   * @throws ProblemError
   */
  add<Type extends JobType>(
    type: Type,
    data: JobInput<Type>,
    options?: Partial<JobOptions> & RequestOptions,
  ): Promise<JobOf<Type>>;
  /** @throws ProblemError `not_found` also for jobs of other tenants */
  get<Type extends JobType>(job: JobReference<Type>, options?: RequestOptions): Promise<JobOf<Type>>;
  /**
   * The result, once the job has completed.
   * @throws JobFailedError with the job; WaitTimeoutError; ProblemError
   */
  waitFor<Type extends JobType>(job: JobReference<Type>, options?: WaitOptions): Promise<JobResult<Type>>;
}

export function createJobs(send: Send, timing: Timing, newKey: () => string): Jobs {
  async function get<Type extends JobType>(reference: JobReference<Type>, signal?: AbortSignal): Promise<JobOf<Type>> {
    const path = `/jobs/${encodeURIComponent(idOf(reference))}`;
    const { job } = await send({ method: 'GET', path, answer: jobAnswerSchema, signal });
    return job as unknown as JobOf<Type>;
  }

  return {
    add: async (type, data, { signal, idempotencyKey = newKey(), ...options } = {}) => {
      const { job } = await send({
        method: 'POST',
        path: '/jobs',
        body: { queue: contractOf(type).queue, type, data, options },
        idempotencyKey,
        answer: jobAnswerSchema,
        signal,
      });
      return job as unknown as JobOf<typeof type>;
    },
    get: (reference, { signal } = {}) => get(reference, signal),
    waitFor: async <Type extends JobType>(reference: JobReference<Type>, options: WaitOptions = {}) => {
      const job = await waitUntilEnded<JobOf<Type>>(
        {
          what: 'Job',
          id: idOf(reference),
          poll: (signal) => get(reference, signal),
          ended: ({ status }) => status !== 'pending' && status !== 'processing',
        },
        options,
        timing,
      );
      if (job.status !== 'completed') throw new JobFailedError(job as unknown as JobResource);
      return job.result as JobResult<Type>;
    },
  };
}

function idOf(reference: string | { readonly id: string }): string {
  return typeof reference === 'string' ? reference : reference.id;
}
