import type { JobOptions, JobResource, JobType } from '@queue-service/contracts';

/** A job to accept: its payload is already checked by its contract. */
export interface NewJob {
  type: JobType;
  data: Record<string, unknown>;
  tenantId: string;
  idempotencyKey?: string | null;
  options?: Omit<JobOptions, 'idempotencyKey'>;
  requestId?: string | null;
  traceId?: string | null;
  /** W3C traceparent of the request. */
  traceparent?: string | null;
  flow?: { flowId: string; step: string };
  /** Given where the id follows from something else (a flow step, a fire of a schedule); made otherwise. */
  id?: string;
}

/** How one job of a request ended up. */
export type Acceptance =
  | { outcome: 'created'; job: JobResource }
  /** The same key with the same body: the first job. */
  | { outcome: 'replayed'; job: JobResource }
  /** The same key with another body: nothing was stored. */
  | { outcome: 'key_reused'; jobId: string };

/** The queue's Redis cannot take jobs now; nothing of the request was kept. */
export class QueueUnavailableError extends Error {
  override readonly name = 'QueueUnavailableError';
  /** Seconds after which a retry makes sense. */
  readonly retryAfterSeconds = 5;
}

/** PostgreSQL cannot be reached now; nothing of the request was kept. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
  readonly retryAfterSeconds = 5;
}

/** Takes jobs in: what the API, flows and schedules enqueue with. */
export interface Producer {
  /**
   * Accepts all jobs or none. Calls of one tick share one INSERT and one addBulk.
   * @throws DatabaseUnavailableError, QueueUnavailableError
   */
  accept(jobs: readonly NewJob[]): Promise<Acceptance[]>;
}
