import { z } from 'zod';
import { createJobSchema, jobSchema } from './jobs.ts';

export const maxBatchJobs = 100;

export const createBatchSchema = z
  .strictObject({ jobs: z.array(createJobSchema).min(1).max(maxBatchJobs) })
  .describe('Accepted as a whole or not at all; each job may have an options.idempotencyKey of its own');

export const batchAnswerSchema = z.object({
  jobs: z.array(jobSchema).describe('In the order of the request'),
  replayed: z.array(z.int()).describe('Indexes of those that an earlier request with the same key made'),
});
export type BatchAnswer = z.infer<typeof batchAnswerSchema>;
