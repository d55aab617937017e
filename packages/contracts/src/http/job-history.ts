import { z } from 'zod';
import { jobFailureSchema } from './jobs.ts';

export const attemptSchema = z
  .object({
    attempt: z.int(),
    worker: z.string(),
    startedAt: z.string(),
    endedAt: z.string(),
    outcome: z.string(),
    error: jobFailureSchema.nullable(),
  })
  .describe('One try of a job by a worker');

export const jobEffectSchema = z
  .object({
    id: z.string().describe('Also the idempotency key at the provider'),
    name: z.string(),
    origin: z.string().describe('`provider`: it was done in the provider’s own dashboard'),
    provider: z.string(),
    operation: z.string(),
    status: z
      .enum(['planned', 'sent', 'unknown', 'confirmed', 'rejected', 'void'])
      .describe('`void`: proven that it did not happen and never will'),
    generation: z.int().describe('How often the provider was asked under a new key'),
    providerId: z.string().nullable(),
    code: z.string().nullable(),
    message: z.string().nullable(),
    amount: z.int().nullable().describe('In minor units'),
    currency: z.string().nullable(),
    sends: z.int(),
    firstAttemptAt: z.iso.datetime().nullable(),
    lastAttemptAt: z.iso.datetime().nullable(),
    settledAt: z.iso.datetime().nullable(),
    createdAt: z.iso.datetime(),
  })
  .describe('One outside effect of a money job');

export const jobLedgerSchema = z
  .object({
    fencing: z.int().describe('Rises with each claim'),
    crashes: z.int().describe('Deliveries without an end'),
    leasedBy: z.string().nullable(),
    leaseUntil: z.iso.datetime().nullable(),
    runAt: z.iso.datetime().describe('When it may run next'),
    dispatchedAt: z.iso.datetime().nullable().describe('When Redis was last told'),
    cancelRequestedAt: z.iso.datetime().nullable(),
  })
  .describe('What the ledger knows besides the job');

export const jobHistorySchema = z.object({
  attempts: z.array(attemptSchema).describe('The earliest first; of other than money jobs while Redis keeps them'),
  effects: z.array(jobEffectSchema).describe('The earliest first; of money jobs only'),
  ledger: jobLedgerSchema.nullable().describe('Null for jobs of the other queues'),
  deadLetterId: z.string().nullable(),
});
export type JobHistory = z.infer<typeof jobHistorySchema>;
