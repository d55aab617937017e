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

const deadLetterReasonSchema = deadLetterSchema.shape.reason;
const errorCodeSchema = z.string().max(100).describe('Code of the error that it died of');

/** Redrives many letters, the newest first: up to 100 at once, more as a run in the background. */
export const redriveManySchema = z.strictObject({
  filter: z
    .strictObject({
      queue: queueNameSchema.optional(),
      type: z.string().max(100).optional(),
      reason: deadLetterReasonSchema.optional(),
      code: errorCodeSchema.optional(),
      from: z.iso.datetime().optional().describe('Died at or after'),
      to: z.iso.datetime().optional().describe('Died before'),
    })
    .default({}),
  limit: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe('At most so many, at once. Without it all that match: more than 100 as a run'),
  dryRun: z.boolean().default(true).describe('Only says how many and which letters it would be'),
  ratePerSecond: z.int().min(1).max(500).optional().describe('Makes it a run of at most so many jobs a second; 20'),
});

export const redriveRunSchema = z
  .object({
    id: z.string(),
    tenantId: z.string().nullable().describe("Of whose letters; null: everybody's"),
    filter: redriveManySchema.shape.filter,
    ratePerSecond: z.int(),
    status: z.enum(['running', 'completed', 'stopped']),
    total: z.int().describe('Letters that matched when it began'),
    redriven: z.int(),
    skipped: z.int().describe('Letters whose job could not be started again'),
    createdBy: z.string(),
    stoppedBy: z.string().nullable(),
    createdAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().nullable(),
  })
  .describe('A redrive of many letters');
export type RedriveRunResource = z.infer<typeof redriveRunSchema>;
export const redriveRunAnswerSchema = z.object({ run: redriveRunSchema });

export const redriveManyAnswerSchema = z.object({
  dryRun: z.boolean(),
  matching: z.int().describe('Open letters that match the filter'),
  deadLetters: z.array(deadLetterSchema).describe('Redriven, or the first of what would be'),
  skipped: z.array(z.string()).describe('Ids of letters whose job could not be started again'),
  run: redriveRunSchema.nullable().describe('Where it is worked off in the background'),
});

export const deadLetterListQuerySchema = z.strictObject({
  queue: queueNameSchema.optional(),
  type: z.enum(jobTypes).optional(),
  status: z.enum(deadLetterStatuses).optional(),
  reason: deadLetterReasonSchema.optional(),
  code: errorCodeSchema.optional(),
  ...createdQuery,
  ...pageQuery,
});
export const deadLetterListSchema = z.object({ deadLetters: z.array(deadLetterSchema), nextCursor: nextCursorSchema });
