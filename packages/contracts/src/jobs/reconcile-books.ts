import { z } from 'zod';
import { defineJob, platformTenant } from '../contract.ts';
import { instantSchema } from '../http/page.ts';
import { hour, minute } from '../queues.ts';

/** How the ledger and a provider can disagree about one object. */
export const bookDifferenceKinds = ['ledger_only', 'provider_only', 'amount_differs', 'status_differs'] as const;
export type BookDifferenceKind = (typeof bookDifferenceKinds)[number];

/** Compares the ledger with Stripe and with the chain over a period, and keeps every difference. Changes nothing at either. */
export const reconcileBooks = defineJob({
  type: 'reconcile-books',
  queue: 'money',
  summary: 'Compare the ledger with the books of Stripe and Solana',
  version: 1,
  payload: z
    .strictObject({
      from: instantSchema.optional().describe('The first moment of the period; with `to`'),
      to: instantSchema.optional().describe('The first moment after it'),
      lastHours: z
        .int()
        .min(1)
        .max(24 * 92)
        .default(26)
        .describe('The period where from and to are not given: so long before the job was made'),
    })
    .refine(({ from, to }) => (from === undefined) === (to === undefined), {
      path: ['to'],
      error: 'from and to are given together, or neither',
    })
    .refine(({ from, to }) => from === undefined || to === undefined || Date.parse(from) < Date.parse(to), {
      path: ['to'],
      error: 'is not after from',
    }),
  result: z.object({
    reportId: z.string().describe('GET /books/reconciliations/{reportId}'),
    from: z.string(),
    to: z.string(),
    ledgerRows: z.int().describe('Rows of the ledger that were compared'),
    providerRows: z.int().describe('Objects at the providers that were compared'),
    differences: z.int(),
    ledgerOnly: z.int(),
    providerOnly: z.int(),
    amountDiffers: z.int(),
    statusDiffers: z.int(),
    brief: z
      .array(
        z.object({
          kind: z.enum(bookDifferenceKinds),
          provider: z.string(),
          object: z.string().describe('charge, refund, transfer, payout or mint'),
          providerId: z.string().nullable(),
          jobId: z.string().nullable(),
        }),
      )
      .describe('The first differences; all of them are at GET /books/differences'),
  }),
  // It reads for long and changes nothing, so it waits behind all that moves money.
  policy: { attempts: 5, priority: 2, timeoutMs: hour, backoff: { kind: 'fixed', delayMs: minute } },
  personalData: [],
  refuses: (_, { admin, tenantId }) =>
    admin && tenantId === platformTenant ? null : 'shows the books of all tenants, so only an admin may ask for it',
  permanentFailures: ['platform_only', 'provider_authentication_failed'],
  example: {
    payload: { from: '2027-01-01T00:00:00Z', to: '2027-01-02T00:00:00Z' },
    result: {
      reportId: '0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f',
      from: '2027-01-01T00:00:00.000Z',
      to: '2027-01-02T00:00:00.000Z',
      ledgerRows: 8_120,
      providerRows: 8_121,
      differences: 1,
      ledgerOnly: 0,
      providerOnly: 1,
      amountDiffers: 0,
      statusDiffers: 0,
      brief: [
        {
          kind: 'provider_only',
          provider: 'stripe',
          object: 'refund',
          providerId: 're_3QexampleExample01',
          jobId: null,
        },
      ],
    },
  },
});
