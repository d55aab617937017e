import { type QueueStats, queueListSchema } from '#contracts';
import type { RequestOptions } from './jobs.ts';
import type { Send } from './transport.ts';

export interface Queues {
  /** Each queue at this moment: counts, oldest waiting age, rates, whether paused. @throws ProblemError */
  list(options?: RequestOptions): Promise<QueueStats[]>;
}

export function createQueues(send: Send): Queues {
  return {
    list: async ({ signal } = {}) => {
      return (await send({ method: 'GET', path: '/queues', answer: queueListSchema, signal })).queues;
    },
  };
}
