import type { z } from 'zod';
import {
  cleanAnswerSchema,
  type cleanQuerySchema,
  type QueueName,
  type QueueStats,
  queueAnswerSchema,
  queueListSchema,
  queueMetricsAnswerSchema,
  type queueMetricsQuerySchema,
} from '#contracts';
import type { RequestOptions } from './jobs.ts';
import type { Send } from './transport.ts';

/** All but `list`, `stats` and `metrics` are for admins. All throw ProblemError. */
export interface Queues {
  /** Each queue at this moment: counts, oldest waiting age, rates, whether paused. */
  list(options?: RequestOptions): Promise<QueueStats[]>;
  stats(queue: QueueName, options?: RequestOptions): Promise<QueueStats>;
  /** What the queue was like over time; default: the last hour. */
  metrics(
    queue: QueueName,
    query?: z.input<typeof queueMetricsQuerySchema>,
    options?: RequestOptions,
  ): Promise<z.output<typeof queueMetricsAnswerSchema>>;
  /** Its jobs are accepted and not started, until `resume`. */
  pause(queue: QueueName, options?: RequestOptions): Promise<QueueStats>;
  resume(queue: QueueName, options?: RequestOptions): Promise<QueueStats>;
  /** Removes ended jobs from Redis; the ledger and history keep theirs. */
  clean(
    queue: QueueName,
    query?: z.input<typeof cleanQuerySchema>,
    options?: RequestOptions,
  ): Promise<z.output<typeof cleanAnswerSchema>>;
}

export function createQueues(send: Send): Queues {
  const one = async (method: 'GET' | 'POST', path: string, { signal }: RequestOptions = {}) =>
    (await send({ method, path, answer: queueAnswerSchema, signal })).queue;
  return {
    list: async ({ signal } = {}) => {
      return (await send({ method: 'GET', path: '/queues', answer: queueListSchema, signal })).queues;
    },
    stats: (queue, options) => one('GET', `/queues/${queue}/stats`, options),
    pause: (queue, options) => one('POST', `/queues/${queue}/pause`, options),
    resume: (queue, options) => one('POST', `/queues/${queue}/resume`, options),
    metrics: (queue, query, { signal } = {}) =>
      send({ method: 'GET', path: `/queues/${queue}/metrics`, query, answer: queueMetricsAnswerSchema, signal }),
    clean: (queue, query, { signal } = {}) =>
      send({ method: 'DELETE', path: `/queues/${queue}/clean`, query, answer: cleanAnswerSchema, signal }),
  };
}
