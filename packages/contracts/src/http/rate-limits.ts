import { z } from 'zod';

/** What a limit is counted by: who asks, and the tenant of who asks. */
export const rateLimitScopes = ['principal', 'tenant'] as const;
export type RateLimitScope = (typeof rateLimitScopes)[number];

export const rateLimitKeySchema = z
  .string()
  .regex(
    /^(?:default:(?:principal|tenant)|principal:[^\p{C}]{1,255}|tenant:[A-Za-z0-9][A-Za-z0-9._-]{0,127})$/u,
    'is not default:principal, default:tenant, principal:<subject> or tenant:<id>',
  )
  .describe('`default:principal` and `default:tenant` are for all without a limit of their own');

export const setRateLimitSchema = z.strictObject({
  points: z.int().min(1).max(10_000_000).describe('Requests at once, and requests in a window'),
  windowMs: z
    .int()
    .min(1_000)
    .max(24 * 3_600_000)
    .describe('In which they come back, evenly'),
});

export const rateLimitSchema = z
  .object({
    key: z.string(),
    ...setRateLimitSchema.shape,
    source: z.enum(['configuration', 'override']),
    used: z
      .int()
      .nullable()
      .describe(
        'Taken of the bucket at this moment; while Redis is away, when it was last looked at; null for a default',
      ),
    resetAt: z.iso.datetime().nullable().describe('When the bucket is whole again if nothing more is taken'),
    updatedBy: z.string().nullable(),
    updatedAt: z.iso.datetime().nullable(),
  })
  .describe('A token bucket of requests');
export type RateLimitResource = z.infer<typeof rateLimitSchema>;

export const rateLimitListQuerySchema = z.strictObject({
  key: rateLimitKeySchema.optional().describe('The limit in force for this key and its use, also without an override'),
});
export const rateLimitListSchema = z.object({ limits: z.array(rateLimitSchema) });
export const rateLimitAnswerSchema = z.object({ limit: rateLimitSchema });
