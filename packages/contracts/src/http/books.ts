import { z } from 'zod';
import { stripeId } from '../fields.ts';
import { bookDifferenceKinds } from '../jobs/reconcile-books.ts';
import { createdQuery, nextCursorSchema, pageQuery } from './page.ts';

export const bookDifferenceStatuses = ['open', 'gone', 'accepted'] as const;
export type BookDifferenceStatus = (typeof bookDifferenceStatuses)[number];

const count = z.int();

export const reconciliationSchema = z
  .object({
    id: z.string().describe('Of the job that made it'),
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    ledgerRows: count,
    providerRows: count,
    ledgerOnly: count,
    providerOnly: count,
    amountDiffers: count,
    statusDiffers: count,
    createdAt: z.iso.datetime(),
  })
  .describe('One comparison of the ledger with the books of the providers');
export type ReconciliationResource = z.infer<typeof reconciliationSchema>;

export const bookDifferenceSchema = z
  .object({
    id: z.string(),
    kind: z.enum(bookDifferenceKinds),
    status: z
      .enum(bookDifferenceStatuses)
      .describe('gone: a later comparison did not find it; accepted: a person explained it'),
    provider: z.string(),
    object: z.string().describe('charge, refund, transfer, payout or mint'),
    effectId: z.string().nullable(),
    jobId: z.string().nullable(),
    providerId: z.string().nullable(),
    ledger: z
      .object({ amount: z.number().nullable(), currency: z.string().nullable(), state: z.string() })
      .nullable()
      .describe('Null where the provider alone has it; amounts in minor units'),
    atProvider: z
      .object({ amount: z.number().nullable(), currency: z.string().nullable(), status: z.string() })
      .nullable()
      .describe('Null where the ledger alone has it'),
    happenedAt: z.iso.datetime(),
    reconciliationId: z.string().describe('The last comparison that found it'),
    lastSeenAt: z.iso.datetime(),
    resolvedBy: z.string().nullable(),
    resolvedReason: z.string().nullable(),
    resolvedAt: z.iso.datetime().nullable(),
    createdAt: z.iso.datetime(),
  })
  .describe('A difference between the ledger and a provider');
export type BookDifferenceResource = z.infer<typeof bookDifferenceSchema>;

export const reconciliationAnswerSchema = z.object({ reconciliation: reconciliationSchema });
export const reconciliationListSchema = z.object({
  reconciliations: z.array(reconciliationSchema),
  nextCursor: nextCursorSchema,
});

export const bookDifferenceQuerySchema = z.strictObject({
  status: z.enum(bookDifferenceStatuses).optional(),
  ...createdQuery,
  ...pageQuery,
});
export const bookDifferenceAnswerSchema = z.object({ difference: bookDifferenceSchema });
export const bookDifferenceListSchema = z.object({
  differences: z.array(bookDifferenceSchema),
  nextCursor: nextCursorSchema,
});

export const acceptDifferenceSchema = z.strictObject({
  reason: z.string().min(1).max(500).describe('Why it is right as it is. No personal data'),
});

export const tenantAccountIdSchema = stripeId('acct');

export const tenantAccountSchema = z
  .object({
    tenantId: z.string(),
    accountId: z.string(),
    note: z.string().nullable(),
    createdBy: z.string(),
    createdAt: z.iso.datetime(),
  })
  .describe('A connected account that the jobs of a tenant may pay');
export type TenantAccountResource = z.infer<typeof tenantAccountSchema>;

export const tenantAccountAnswerSchema = z.object({ account: tenantAccountSchema });
export const tenantAccountListSchema = z.object({ accounts: z.array(tenantAccountSchema) });

export const putTenantAccountSchema = z.strictObject({ note: z.string().min(1).max(200).optional() });
