import type { z } from 'zod';
import { cacheFlushAnswerSchema, cacheStatsAnswerSchema } from '#contracts';
import type { RequestOptions } from './jobs.ts';
import type { Send } from './transport.ts';

/** The read cache of the API process that answers; for admins. All throw ProblemError. */
export interface Cache {
  stats(options?: RequestOptions): Promise<z.output<typeof cacheStatsAnswerSchema>['caches']>;
  flush(options?: RequestOptions): Promise<z.output<typeof cacheFlushAnswerSchema>>;
}

export function createCache(send: Send): Cache {
  return {
    stats: async ({ signal } = {}) =>
      (await send({ method: 'GET', path: '/cache/stats', answer: cacheStatsAnswerSchema, signal })).caches,
    flush: ({ signal } = {}) =>
      send({ method: 'DELETE', path: '/cache/flush', answer: cacheFlushAnswerSchema, signal }),
  };
}
