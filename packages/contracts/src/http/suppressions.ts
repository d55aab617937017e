import { z } from 'zod';
import { nextCursorSchema, pageQuery } from './page.ts';

/** The ways a person can be written to. */
export const suppressionChannels = ['email', 'sms', 'push'] as const;

export const suppressionSchema = z
  .object({
    id: z.string(),
    tenantId: z.string(),
    channel: z.enum(suppressionChannels),
    address: z.string().describe('Mail address, number or push target'),
    reason: z.string().describe('As bounced, complained, opted_out, target_gone'),
    source: z.string().describe('Who told: sendgrid, twilio, webpush, fcm'),
    createdAt: z.iso.datetime(),
  })
  .describe('An address that is not written to any more');
export type SuppressionResource = z.infer<typeof suppressionSchema>;

export const suppressionListQuerySchema = z
  .strictObject({
    channel: z.enum(suppressionChannels).optional(),
    address: z.string().min(1).max(4_096).optional().describe('This one alone; needs channel'),
    ...pageQuery,
  })
  .refine(({ address, channel }) => address === undefined || channel !== undefined, {
    path: ['channel'],
    error: 'is required with address',
  });
export const suppressionListSchema = z.object({
  suppressions: z.array(suppressionSchema),
  nextCursor: nextCursorSchema,
});
