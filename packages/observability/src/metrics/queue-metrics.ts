import type { Instruments } from './instruments.ts';

/** The state of the queues, measured by one process (the scheduler's leader) and equal for all. */
export function queueMetrics({ gauge }: Instruments) {
  return {
    queueDepth: gauge('queue_depth', 'Jobs in a queue, by state', ['queue', 'state']),
    oldestWaitingAge: gauge(
      'queue_oldest_waiting_age_seconds',
      'Age of the oldest job that is due and not started; 0 if there is none',
      ['queue'],
    ),
    paused: gauge('queue_paused', '1 while the queue is paused, else 0', ['queue']),
  };
}
