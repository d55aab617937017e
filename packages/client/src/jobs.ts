import type { z } from 'zod';
import {
  type BatchAnswer,
  batchAnswerSchema,
  contractOf,
  type JobHistory,
  type JobInput,
  type JobOptions,
  type JobResource,
  type JobResult,
  type JobType,
  jobAnswerSchema,
  jobHistorySchema,
  type jobListQuerySchema,
  jobListSchema,
} from '#contracts';
import { JobFailedError } from './errors.ts';
import {
  type EventOptions,
  type JobEventOf,
  jobEvents,
  oneStream,
  type Position,
  type StreamParts,
} from './job-events.ts';
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

/** One job of a batch. */
export type BatchJob = {
  [Type in JobType]: { readonly type: Type; readonly data: JobInput<Type>; readonly options?: Partial<JobOptions> };
}[JobType];

export type JobListQuery = z.input<typeof jobListQuerySchema>;

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
  /**
   * Adds 1 to 100 jobs, all or none. A job without a key of its own gets a random one, so a retry makes nothing twice.
   * @throws ProblemError with the errors by index
   */
  addBatch(jobs: readonly BatchJob[], options?: RequestOptions): Promise<BatchAnswer>;
  /** A page, newest first; continue with `cursor: nextCursor`. @throws ProblemError */
  list(query?: JobListQuery, options?: RequestOptions): Promise<z.output<typeof jobListSchema>>;
  /** A waiting job ends as cancelled at once; a running money job is told, and the answer still says processing. @throws ProblemError `conflict` when it has ended otherwise */
  cancel<Type extends JobType>(job: JobReference<Type>, options?: RequestOptions): Promise<JobOf<Type>>;
  /** Starts a failed job again. @throws ProblemError `conflict` unless it has failed */
  retry<Type extends JobType>(job: JobReference<Type>, options?: RequestOptions): Promise<JobOf<Type>>;
  /** @throws ProblemError `not_found` also for jobs of other tenants */
  get<Type extends JobType>(job: JobReference<Type>, options?: RequestOptions): Promise<JobOf<Type>>;
  /** Its attempts; of a money job its effects and its ledger too. @throws ProblemError */
  history(job: string | { readonly id: string }, options?: RequestOptions): Promise<JobHistory>;
  /**
   * What happens to it, live, from the beginning; goes on by itself when a connection is lost. The last one is `end`, with
   * the job.
   * @throws ProblemError; what fetch throws when the service cannot be reached; the reason of the signal
   */
  events<Type extends JobType>(
    job: JobReference<Type>,
    options?: EventOptions,
  ): AsyncGenerator<JobEventOf<Type>, void, undefined>;
  /**
   * The result, once the job has completed: told by its event stream, or by asking where there is none.
   * @throws JobFailedError with the job; WaitTimeoutError; ProblemError
   */
  waitFor<Type extends JobType>(job: JobReference<Type>, options?: WaitOptions): Promise<JobResult<Type>>;
  /** The job once it has ended, however it ended: look at `status`. @throws WaitTimeoutError; ProblemError */
  waitForEnd<Type extends JobType>(job: JobReference<Type>, options?: WaitOptions): Promise<JobOf<Type>>;
}

export function createJobs(send: Send, streams: StreamParts, newKey: () => string): Jobs {
  const pathOf = (reference: string | { readonly id: string }) => `/jobs/${encodeURIComponent(idOf(reference))}`;

  async function get<Type extends JobType>(reference: JobReference<Type>, signal?: AbortSignal): Promise<JobOf<Type>> {
    const { job } = await send({ method: 'GET', path: pathOf(reference), answer: jobAnswerSchema, signal });
    return job as unknown as JobOf<Type>;
  }

  async function waitForEnd<Type extends JobType>(
    reference: JobReference<Type>,
    options: WaitOptions = {},
  ): Promise<JobOf<Type>> {
    const position: Position = { lastEventId: undefined, retryMs: 0 };
    return waitUntilEnded(
      {
        what: 'Job',
        id: idOf(reference),
        poll: (signal) => get(reference, signal),
        ended: ({ status }) => status !== 'pending' && status !== 'processing',
        listen: async (signal) => {
          for await (const event of oneStream<Type>(streams, pathOf(reference), position, signal, 1)) {
            if (event.event === 'end') return event.data.job;
          }
          return undefined;
        },
      },
      options,
      streams.timing,
    );
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
    addBatch: (jobs, { signal } = {}) =>
      send({
        method: 'POST',
        path: '/jobs/batch',
        body: {
          jobs: jobs.map(({ type, data, options }) => ({
            ...{ queue: contractOf(type).queue, type, data },
            options: { idempotencyKey: newKey(), ...options },
          })),
        },
        answer: batchAnswerSchema,
        signal,
      }),
    list: (query, { signal } = {}) => send({ method: 'GET', path: '/jobs', query, answer: jobListSchema, signal }),
    cancel: async <Type extends JobType>(reference: JobReference<Type>, { signal }: RequestOptions = {}) => {
      const { job } = await send({ method: 'DELETE', path: pathOf(reference), answer: jobAnswerSchema, signal });
      return job as unknown as JobOf<Type>;
    },
    retry: async <Type extends JobType>(reference: JobReference<Type>, { signal }: RequestOptions = {}) => {
      const path = `${pathOf(reference)}/retry`;
      const { job } = await send({ method: 'POST', path, answer: jobAnswerSchema, once: true, signal });
      return job as unknown as JobOf<Type>;
    },
    get: (reference, { signal } = {}) => get(reference, signal),
    history: (reference, { signal } = {}) =>
      send({ method: 'GET', path: `${pathOf(reference)}/history`, answer: jobHistorySchema, signal }),
    events: <Type extends JobType>(reference: JobReference<Type>, options: EventOptions = {}) =>
      jobEvents<Type>(streams, pathOf(reference), options),
    waitFor: async <Type extends JobType>(reference: JobReference<Type>, options?: WaitOptions) => {
      const job = await waitForEnd(reference, options);
      if (job.status !== 'completed') throw new JobFailedError(job as unknown as JobResource);
      return job.result as JobResult<Type>;
    },
    waitForEnd,
  };
}

function idOf(reference: string | { readonly id: string }): string {
  return typeof reference === 'string' ? reference : reference.id;
}
