import { BUCKETS } from './buckets.ts';
import type { Instruments } from './instruments.ts';

/** What producers and workers count about jobs. */
export function jobMetrics({ counter, duration }: Instruments) {
  return {
    enqueued: counter('jobs_enqueued_total', 'Jobs accepted and stored', ['queue', 'type']),
    enqueueErrors: counter('job_enqueue_errors_total', 'Jobs that could not be stored', ['queue', 'type', 'code']),
    enqueueToStart: duration(
      'job_enqueue_to_start_seconds',
      'From when a job was due until its attempt started',
      ['queue', 'type'],
      BUCKETS.wait,
    ),
    canaryWait: duration(
      'queue_canary_wait_seconds',
      'From when a job that does nothing was added to a queue until a worker took it',
      ['queue'],
      BUCKETS.wait,
    ),
    jobProcessing: duration(
      'job_processing_seconds',
      'Duration of one attempt of a job',
      ['queue', 'type', 'outcome'],
      BUCKETS.work,
    ),
    attempts: counter('job_attempts_total', 'Attempts started', ['queue', 'type']),
    failures: counter('job_failures_total', 'Attempts that failed, by error code', ['queue', 'type', 'code']),
    retries: counter('job_retries_total', 'Failed attempts that are tried again', ['queue', 'type', 'code']),
    deadLetters: counter('dead_letters_total', 'Jobs given up and kept as dead letters', ['queue', 'type', 'code']),
    stalled: counter('jobs_stalled_total', 'Jobs whose worker stopped renewing their lock', ['queue']),
    eventLoopBlocked: duration(
      'event_loop_blocked_seconds',
      'How long the event loop of a worker stood still, each time it did for more than a second',
      ['queue'],
      BUCKETS.call,
    ),
    leaseLost: counter('job_leases_lost_total', 'Attempts that found another one had taken their job', [
      'queue',
      'type',
    ]),
  };
}
