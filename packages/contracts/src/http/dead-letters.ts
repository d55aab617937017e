import { z } from 'zod';
import { queueNameSchema } from '../queues.ts';
import { jobTypes } from '../registry.ts';
import { attemptSchema } from './job-history.ts';
import { jobFailureSchema } from './jobs.ts';
import { createdQuery, nextCursorSchema, pageQuery } from './page.ts';

export const deadLetterStatuses = ['open', 'redriven', 'discarded'] as const;

export const deadLetterSchema = z
  .object({
    id: z.string(),
    jobId: z.string(),
    queue: queueNameSchema,
    type: z.string(),
    tenantId: z.string(),
    reason: z.enum(['attempts', 'permanent', 'timeout', 'stalled', 'contract']),
    status: z.enum(deadLetterStatuses),
    error: jobFailureSchema,
    attempts: z.int(),
    maxAttempts: z.int(),
    priority: z.int(),
    flowId: z.string().nullable(),
    flowStep: z.string().nullable(),
    redrives: z.int(),
    resolvedBy: z.string().nullable(),
    resolvedReason: z.string().nullable(),
    resolvedAt: z.iso.datetime().nullable(),
    createdAt: z.iso.datetime(),
  })
  .describe('A job that failed for good');
export type DeadLetterResource = z.infer<typeof deadLetterSchema>;

export const deadLetterDetailSchema = deadLetterSchema.extend({
  data: z.unknown().describe('Payload of the job; personal data is masked'),
  attemptLog: z.array(attemptSchema),
});

export const deadLetterAnswerSchema = z.object({ deadLetter: deadLetterSchema });
export const deadLetterDetailAnswerSchema = z.object({ deadLetter: deadLetterDetailSchema });

/** Redrives many letters at once, the newest first. */
export const redriveManySchema = z.strictObject({
  filter: z.strictObject({ queue: queueNameSchema.optional(), type: z.string().max(100).optional() }).default({}),
  limit: z.int().min(1).max(100).default(100),
  dryRun: z.boolean().default(true).describe('Only says which letters it would be'),
});
export const redriveManyAnswerSchema = z.object({
  dryRun: z.boolean(),
  deadLetters: z.array(deadLetterSchema).describe('Redriven, or what would be'),
  skipped: z.array(z.string()).describe('Ids of letters whose job could not be started again'),
});

export const deadLetterListQuerySchema = z.strictObject({
  queue: queueNameSchema.optional(),
  type: z.enum(jobTypes).optional(),
  status: z.enum(deadLetterStatuses).optional(),
  ...createdQuery,
  ...pageQuery,
});
export const deadLetterListSchema = z.object({ deadLetters: z.array(deadLetterSchema), nextCursor: nextCursorSchema });
