import type { z } from 'zod';
import { type suppressionListQuerySchema, suppressionListSchema } from '#contracts';
import type { RequestOptions } from './jobs.ts';
import { nothing, type Send } from './transport.ts';

/** Addresses that are not written to any more. All throw ProblemError. */
export interface Suppressions {
  /** A page, newest first; with `channel` and `address` that one alone. */
  list(
    query?: z.input<typeof suppressionListQuerySchema>,
    options?: RequestOptions,
  ): Promise<z.output<typeof suppressionListSchema>>;
  /** It is written to again. */
  remove(id: string, options?: RequestOptions): Promise<void>;
}

export function createSuppressions(send: Send): Suppressions {
  const path = '/suppressions';
  return {
    list: (query, { signal } = {}) => send({ method: 'GET', path, query, answer: suppressionListSchema, signal }),
    remove: (id, { signal } = {}) =>
      send({ method: 'DELETE', path: `${path}/${encodeURIComponent(id)}`, once: true, answer: nothing, signal }),
  };
}
