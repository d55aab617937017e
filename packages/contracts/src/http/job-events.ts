import { z } from 'zod';
import { jobSchema, jobStatuses } from './jobs.ts';

const at = z.iso.datetime();

/** What the event stream of a job (GET /jobs/:id/events) tells, by the name of the event. */
export const jobEventSchemas = {
  status: z.object({ status: z.enum(jobStatuses), attempt: z.int(), maxAttempts: z.int(), at }),
  progress: z.object({
    value: z.union([z.number(), z.record(z.string(), z.union([z.number(), z.boolean()]))]),
    at,
  }),
  log: z.object({ level: z.enum(['info', 'warn', 'error']), message: z.string(), at }),
  /** The last one: the job as it ended. */
  end: z.object({ job: jobSchema }),
} as const;

export type JobEventName = keyof typeof jobEventSchemas;
export type JobEvent = {
  [Name in JobEventName]: { readonly event: Name; readonly data: z.output<(typeof jobEventSchemas)[Name]> };
}[JobEventName];
