import type { z } from 'zod';
import {
  type BookDifferenceResource,
  bookDifferenceAnswerSchema,
  bookDifferenceListSchema,
  type bookDifferenceQuerySchema,
  type pageQuerySchema,
  type ReconciliationResource,
  reconciliationAnswerSchema,
  reconciliationListSchema,
} from '#contracts';
import type { RequestOptions } from './jobs.ts';
import type { Send } from './transport.ts';

/** What `reconcile-books` jobs found, for admins. All throw ProblemError. */
export interface Books {
  /** A page of comparisons, newest first. */
  reconciliations(
    query?: z.input<typeof pageQuerySchema>,
    options?: RequestOptions,
  ): Promise<z.output<typeof reconciliationListSchema>>;
  /** @param id of the job that made it */
  reconciliation(id: string, options?: RequestOptions): Promise<ReconciliationResource>;
  /** A page of differences, newest first. */
  differences(
    query?: z.input<typeof bookDifferenceQuerySchema>,
    options?: RequestOptions,
  ): Promise<z.output<typeof bookDifferenceListSchema>>;
  /** Explains a difference: it counts no more. */
  accept(id: string, reason: string, options?: RequestOptions): Promise<BookDifferenceResource>;
}

export function createBooks(send: Send): Books {
  const path = '/books/reconciliations';
  const differences = '/books/differences';
  return {
    reconciliations: (query, { signal } = {}) =>
      send({ method: 'GET', path, query, answer: reconciliationListSchema, signal }),
    reconciliation: async (id, { signal } = {}) => {
      const request = { method: 'GET', path: `${path}/${encodeURIComponent(id)}` } as const;
      return (await send({ ...request, answer: reconciliationAnswerSchema, signal })).reconciliation;
    },
    differences: (query, { signal } = {}) =>
      send({ method: 'GET', path: differences, query, answer: bookDifferenceListSchema, signal }),
    accept: async (id, reason, { signal } = {}) => {
      const request = { method: 'POST', path: `${differences}/${encodeURIComponent(id)}/accept`, once: true } as const;
      return (await send({ ...request, body: { reason }, answer: bookDifferenceAnswerSchema, signal })).difference;
    },
  };
}
