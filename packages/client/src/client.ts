import { randomUUID } from 'node:crypto';
import { createFlows, type Flows } from './flows.ts';
import { createJobs, type Jobs } from './jobs.ts';
import { createOperator, type Operator } from './operator.ts';
import { realTiming, type Timing } from './pauses.ts';
import { createQueues, type Queues } from './queues.ts';
import { createTransport, type TransportOptions } from './transport.ts';

export interface QueueClientOptions extends TransportOptions {
  /** For tests: clock, randomness and sleep. */
  readonly timing?: Timing;
}

export interface QueueClient {
  readonly jobs: Jobs;
  readonly flows: Flows;
  readonly queues: Queues;
  /** What operators see and steer. */
  readonly operator: Operator;
}

/**
 * A client of the queue service. Network errors, 429 and 503 are retried with growing, jittered pauses that honour
 * `Retry-After`; a repeated POST carries the same `Idempotency-Key`, so it makes one job.
 */
export function createQueueClient(options: QueueClientOptions): QueueClient {
  const timing = options.timing ?? realTiming;
  const send = createTransport(options, timing);
  return {
    jobs: createJobs(send, timing, randomUUID),
    flows: createFlows(send, timing, randomUUID),
    queues: createQueues(send),
    operator: createOperator(send),
  };
}
