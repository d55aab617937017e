import type { z } from 'zod';
import {
  type RateLimitResource,
  rateLimitAnswerSchema,
  type rateLimitListQuerySchema,
  rateLimitListSchema,
  type setRateLimitSchema,
} from '#contracts';
import type { RequestOptions } from './jobs.ts';
import { nothing, type Send } from './transport.ts';

/** How many requests a principal (`principal:<subject>`) or a tenant (`tenant:<id>`) may send; for admins. All throw ProblemError. */
export interface RateLimits {
  /** Limits in force with their use; with `key` that of one principal or tenant. */
  list(query?: z.input<typeof rateLimitListQuerySchema>, options?: RequestOptions): Promise<RateLimitResource[]>;
  set(key: string, limit: z.input<typeof setRateLimitSchema>, options?: RequestOptions): Promise<RateLimitResource>;
  /** Back to the default. */
  remove(key: string, options?: RequestOptions): Promise<void>;
}

export function createRateLimits(send: Send): RateLimits {
  const path = '/rate-limits';
  const at = (key: string) => `${path}/${encodeURIComponent(key)}`;
  return {
    list: async (query, { signal } = {}) =>
      (await send({ method: 'GET', path, query, answer: rateLimitListSchema, signal })).limits,
    set: async (key, body, { signal } = {}) =>
      (await send({ method: 'PUT', path: at(key), body, answer: rateLimitAnswerSchema, signal })).limit,
    remove: (key, { signal } = {}) => send({ method: 'DELETE', path: at(key), once: true, answer: nothing, signal }),
  };
}
