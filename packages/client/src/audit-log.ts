import type { z } from 'zod';
import { type auditLogQuerySchema, auditLogSchema } from '#contracts';
import type { RequestOptions } from './jobs.ts';
import type { Send } from './transport.ts';

/** Who did what; for admins. */
export interface AuditLog {
  /** A page, newest first. @throws ProblemError */
  list(query?: z.input<typeof auditLogQuerySchema>, options?: RequestOptions): Promise<z.output<typeof auditLogSchema>>;
}

export function createAuditLog(send: Send): AuditLog {
  return {
    list: (query, { signal } = {}) =>
      send({ method: 'GET', path: '/audit-log', query, answer: auditLogSchema, signal }),
  };
}
