import { z } from 'zod';
import { queueNameSchema } from '../queues.ts';
import { jobTypes } from '../registry.ts';
import { createdQuery, nextCursorSchema, pageQuery } from './page.ts';

export const jobStatuses = ['pending', 'processing', 'completed', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** Printable ASCII, so that a key survives every header, log and proxy it passes. */
export const idempotencyKeySchema = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[\x21-\x7e]+$/, 'has characters other than printable ASCII without spaces');

const webhookUrlSchema = z
  .url({ protocol: /^https?$/ })
  .max(2_048)
  .describe('Told when this job ends, besides the endpoints of the tenant');

/** 30 days: what is later belongs in a schedule. */
const maxDelayMs = 30 * 86_400_000;

export const jobOptionsSchema = z.strictObject({
  priority: z.int().min(1).max(10).optional().describe('1 (lowest) to 10 (highest)'),
  delayMs: z.int().min(0).max(maxDelayMs).optional(),
  attempts: z.int().min(1).max(50).optional(),
  timeoutMs: z.int().min(100).max(3_600_000).optional(),
  webhookUrl: webhookUrlSchema.optional(),
  idempotencyKey: idempotencyKeySchema.optional(),
});
export type JobOptions = z.output<typeof jobOptionsSchema>;

/** The envelope of a posted job; `data` is checked by the contract of `type`. */
export const createJobSchema = z.strictObject({
  queue: z.string(),
  type: z.string(),
  data: z.record(z.string(), z.unknown()),
  options: jobOptionsSchema.optional(),
});

export const jobFailureSchema = z.object({ code: z.string(), message: z.string(), retryable: z.boolean() });

/** What became of a message, from the least to the most telling. */
export const deliveryStatuses = [
  'accepted',
  'deferred',
  'delivered',
  'opened',
  'clicked',
  'unsubscribed',
  'complained',
  'failed',
  'dropped',
  'bounced',
] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

export const jobDeliverySchema = z.object({
  provider: z.string(),
  status: z.enum(deliveryStatuses).describe('The most telling of all that was said, of any receiver'),
  code: z.string().nullable().describe("The provider's code of a failure, as 5.1.1 or 30003"),
  recipients: z.record(z.string(), z.int()).describe('By status, of how many receivers it was said'),
  updatedAt: z.iso.datetime(),
});
export type JobDelivery = z.infer<typeof jobDeliverySchema>;

export const jobSchema = z
  .object({
    id: z.string(),
    queue: queueNameSchema,
    type: z.string(),
    status: z.enum(jobStatuses),
    priority: z.int(),
    attempts: z.int().describe('Attempts used so far'),
    maxAttempts: z.int(),
    tenantId: z.string(),
    idempotencyKey: z.string().nullable(),
    createdAt: z.iso.datetime(),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
    result: z.record(z.string(), z.unknown()).nullable(),
    error: jobFailureSchema.nullable(),
    scheduledFor: z.iso.datetime().nullable().describe('When it may start; null for at once'),
    flowId: z.string().nullable(),
    delivery: jobDeliverySchema.nullable().describe('What the provider said later of a mail or message'),
  })
  .describe('A job');
export type JobResource = z.infer<typeof jobSchema>;

export const jobAnswerSchema = z.object({ job: jobSchema });

export const jobListQuerySchema = z.strictObject({
  queue: queueNameSchema.optional(),
  type: z.enum(jobTypes).optional(),
  status: z.enum(jobStatuses).optional(),
  ...createdQuery,
  ...pageQuery,
});
export const jobListSchema = z.object({ jobs: z.array(jobSchema), nextCursor: nextCursorSchema });
