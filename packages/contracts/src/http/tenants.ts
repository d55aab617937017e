import { z } from 'zod';

const cap = (what: string) => z.int().min(1).max(1_000_000).nullable().default(null).describe(what);

/** All of a tenant's limits: what is left out is set to its default. */
export const setTenantLimitsSchema = z
  .strictObject({
    weight: z
      .int()
      .min(1)
      .max(100)
      .default(1)
      .describe('Turns that it gets, in relation to others, when not all can be served at once'),
    maxRunning: cap('Jobs that may run at once in one queue, over all workers; null for no limit'),
    maxPerSecond: cap('Jobs that may start in one queue in a second; null for no limit'),
  })
  .describe("A tenant's share of each queue");
export type SetTenantLimits = z.output<typeof setTenantLimitsSchema>;

export const tenantLimitsSchema = z.object({
  tenantId: z.string(),
  weight: z.int(),
  maxRunning: z.int().nullable(),
  maxPerSecond: z.int().nullable(),
  updatedBy: z.string().nullable().describe('Subject of the token; null while it has the defaults'),
  updatedAt: z.iso.datetime().nullable(),
});
export type TenantLimitsResource = z.infer<typeof tenantLimitsSchema>;

export const tenantLimitsAnswerSchema = z.object({ limits: tenantLimitsSchema });
