import type { z } from 'zod';
import {
  type DeadLetterResource,
  deadLetterAnswerSchema,
  deadLetterDetailAnswerSchema,
  type deadLetterDetailSchema,
  type deadLetterListQuerySchema,
  deadLetterListSchema,
  type RedriveRunResource,
  redriveManyAnswerSchema,
  type redriveManySchema,
  redriveRunAnswerSchema,
} from '#contracts';
import type { RequestOptions } from './jobs.ts';
import type { Send } from './transport.ts';

/** Jobs that failed for good; for admins and venue admins. All throw ProblemError. */
export interface DeadLetters {
  /** A page, newest first. */
  list(
    query?: z.input<typeof deadLetterListQuerySchema>,
    options?: RequestOptions,
  ): Promise<z.output<typeof deadLetterListSchema>>;
  /** With its payload (personal data masked) and its attempts. */
  get(id: string, options?: RequestOptions): Promise<z.output<typeof deadLetterDetailSchema>>;
  /** Starts its job again. `conflict` unless it is open. */
  redrive(id: string, options?: RequestOptions): Promise<DeadLetterResource>;
  /** Starts the jobs of all open ones that fit, more than 100 as a run; a dry run unless `dryRun: false`. */
  redriveMany(
    body: z.input<typeof redriveManySchema>,
    options?: RequestOptions,
  ): Promise<z.output<typeof redriveManyAnswerSchema>>;
  /** How far a redrive of many is. */
  redriveRun(id: string, options?: RequestOptions): Promise<RedriveRunResource>;
  /** Stops a redrive of many; what it has started goes on. */
  stopRedrive(id: string, options?: RequestOptions): Promise<RedriveRunResource>;
  /** Its job is not started again; the reason is kept. */
  discard(id: string, reason: string, options?: RequestOptions): Promise<DeadLetterResource>;
}

export function createDeadLetters(send: Send): DeadLetters {
  const path = '/dead-letters';
  const at = (id: string) => `${path}/${encodeURIComponent(id)}`;
  return {
    list: (query, { signal } = {}) => send({ method: 'GET', path, query, answer: deadLetterListSchema, signal }),
    get: async (id, { signal } = {}) => {
      return (await send({ method: 'GET', path: at(id), answer: deadLetterDetailAnswerSchema, signal })).deadLetter;
    },
    redrive: async (id, { signal } = {}) => {
      const request = { method: 'POST', path: `${at(id)}/redrive`, once: true } as const;
      return (await send({ ...request, answer: deadLetterAnswerSchema, signal })).deadLetter;
    },
    redriveMany: (body, { signal } = {}) =>
      send({
        ...{ method: 'POST', path: `${path}/redrive`, body, once: body.dryRun === false },
        answer: redriveManyAnswerSchema,
        signal,
      }),
    redriveRun: async (id, { signal } = {}) => {
      const request = { method: 'GET', path: `${path}/redrives/${encodeURIComponent(id)}` } as const;
      return (await send({ ...request, answer: redriveRunAnswerSchema, signal })).run;
    },
    stopRedrive: async (id, { signal } = {}) => {
      const request = { method: 'DELETE', path: `${path}/redrives/${encodeURIComponent(id)}` } as const;
      return (await send({ ...request, answer: redriveRunAnswerSchema, signal })).run;
    },
    discard: async (id, reason, { signal } = {}) => {
      const request = { method: 'DELETE', path: at(id), query: { reason }, once: true } as const;
      return (await send({ ...request, answer: deadLetterAnswerSchema, signal })).deadLetter;
    },
  };
}
