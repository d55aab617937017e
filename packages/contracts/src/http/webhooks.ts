import { z } from 'zod';
import { jobFailureSchema } from './jobs.ts';
import { nextCursorSchema, pageQuery } from './page.ts';

/** What endpoints can be told of. */
export const webhookEventTypes = [
  'job.completed',
  'job.failed',
  'job.cancelled',
  'flow.completed',
  'flow.failed',
  'flow.compensated',
  'flow.cancelled',
  'webhook_endpoint.disabled',
  'webhook.test',
] as const;

/** Why an endpoint was switched off by the service. `gone`: it answered 410. `failing`: it took nothing for days. */
export const endpointDisabledReasons = ['gone', 'failing'] as const;

const fields = {
  url: z.url({ protocol: /^https?$/ }).max(2_048),
  description: z.string().min(1).max(500).nullable(),
  events: z
    .array(z.enum(webhookEventTypes))
    .max(webhookEventTypes.length)
    .describe('What it hears of; empty: everything'),
};

export const webhookSchema = z
  .object({
    id: z.string(),
    tenantId: z.string(),
    ...fields,
    events: z.array(z.string()),
    active: z.boolean(),
    disabledReason: z.enum(endpointDisabledReasons).nullable().describe('Why the service has switched it off'),
    failingSince: z.iso.datetime().nullable().describe('First failure since the last success'),
    previousSecretUntil: z.iso
      .datetime()
      .nullable()
      .describe('Until when the secret before the last rotation signs too'),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .describe('An address of a tenant that is told how jobs and flows end');
export type WebhookResource = z.infer<typeof webhookSchema>;

export const createWebhookSchema = z.strictObject({
  url: fields.url.describe('https://, and at a public address'),
  description: fields.description.optional(),
  events: fields.events.optional(),
});

export const patchWebhookSchema = z
  .strictObject({ ...fields, active: z.boolean().describe('True also clears why and since when it fails') })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, 'changes nothing');

/** The secrets in force go on signing until then, so that a receiver can change over. */
export const rotateSecretSchema = z.strictObject({
  overlapSeconds: z
    .int()
    .min(0)
    .max(7 * 86_400)
    .default(86_400)
    .describe('How long the old secret signs too; 0: not at all'),
});

const secretSchema = z.string().describe('Standard Webhooks secret (`whsec_…`); shown this once');

export const webhookListSchema = z.object({ webhooks: z.array(webhookSchema), nextCursor: nextCursorSchema });
export const webhookAnswerSchema = z.object({ webhook: webhookSchema });
export const webhookWithSecretAnswerSchema = z.object({ webhook: webhookSchema.extend({ secret: secretSchema }) });
export const signingSecretAnswerSchema = z.object({
  signingSecret: z.object({
    tenantId: z.string(),
    secret: secretSchema,
    previousSecretUntil: z.iso.datetime().nullable(),
  }),
});

export const webhookDeliveryStatuses = ['pending', 'delivered', 'failed'] as const;

export const webhookDeliverySchema = z
  .object({
    id: z.string().describe('Also the `webhook-id` that the receiver sees, on every try and replay'),
    webhookId: z.string().nullable().describe("Null for a job's or flow's own `webhookUrl`"),
    jobId: z.string().describe('The job that delivers it'),
    tenantId: z.string(),
    url: z.string(),
    eventType: z.string(),
    subjectId: z.string().describe('The job or flow that it tells of'),
    status: z.enum(webhookDeliveryStatuses),
    attempts: z.int(),
    attemptLog: z.array(
      z.object({
        at: z.iso.datetime(),
        durationMs: z.number(),
        statusCode: z.int().nullable().describe('Null when no answer came'),
        error: jobFailureSchema.pick({ code: true, message: true }).nullable(),
      }),
    ),
    body: z.record(z.string(), z.unknown()).describe('What is sent'),
    createdAt: z.iso.datetime(),
    deliveredAt: z.iso.datetime().nullable(),
  })
  .describe('One event for one address, with each of its tries');
export type WebhookDeliveryResource = z.infer<typeof webhookDeliverySchema>;

export const webhookDeliveryAnswerSchema = z.object({ delivery: webhookDeliverySchema });

export const webhookDeliveryListQuerySchema = z.strictObject({
  status: z.enum(webhookDeliveryStatuses).optional(),
  ...pageQuery,
});
export const webhookDeliveryListSchema = z.object({
  deliveries: z.array(webhookDeliverySchema),
  nextCursor: nextCursorSchema,
});
