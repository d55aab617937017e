import { z } from 'zod';
import { createdQuery, nextCursorSchema, pageQuery } from './page.ts';

export const auditEntrySchema = z
  .object({
    id: z.string(),
    actor: z.string().describe('Subject of the token'),
    roles: z.array(z.string()),
    tenantId: z.string().describe('Tenant that was acted for'),
    action: z.string().describe('As queue.pause'),
    resource: z.string(),
    resourceId: z.string().nullable(),
    before: z.record(z.string(), z.unknown()).nullable(),
    after: z.record(z.string(), z.unknown()).nullable(),
    requestId: z.string().nullable(),
    createdAt: z.iso.datetime(),
  })
  .describe('One change by a person or a token');
export type AuditEntryResource = z.infer<typeof auditEntrySchema>;

const text = z.string().min(1).max(255).optional();

export const auditLogQuerySchema = z.strictObject({
  ...{ actor: text, action: text, resource: text, resourceId: text },
  ...createdQuery,
  ...pageQuery,
});
export const auditLogSchema = z.object({ entries: z.array(auditEntrySchema), nextCursor: nextCursorSchema });
