import { z } from 'zod';
import { queueNameSchema } from '../queues.ts';
import { jobTypes } from '../registry.ts';
import { jobOptionsSchema, jobSchema, jobStatuses } from './jobs.ts';
import { countQuerySchema, instantSchema, nextCursorSchema, pageQuery } from './page.ts';

/** What happens to a fire while the job of the fire before it has not ended. */
export const overlapPolicies = ['skip', 'queue-one', 'allow'] as const;
export type OverlapPolicy = (typeof overlapPolicies)[number];

/** What happens to times that passed while nobody was there to fire them. */
export const catchUpPolicies = ['none', 'last', 'all'] as const;
export type CatchUpPolicy = (typeof catchUpPolicies)[number];

/**
 * `due`: decided, its job is owed to the queue. `queued`: waits for the job of the fire before it. `fired`: its job is
 * in its queue. `skipped`: left out by the overlap policy, or its payload fits no longer. `missed`: left out by the
 * catch-up policy.
 */
export const fireStatuses = ['due', 'queued', 'fired', 'skipped', 'missed'] as const;
export type FireStatus = (typeof fireStatuses)[number];

const day = 86_400_000;

const overlapSchema = z
  .enum(overlapPolicies)
  .describe('While the job before has not ended: skip the fire, keep one waiting, or run both');
const catchUpSchema = z
  .enum(catchUpPolicies)
  .describe('Times that passed while the scheduler was away: leave out, fire the last, or fire all within the window');

const timing = {
  cron: z
    .string()
    .max(200)
    .nullable()
    .optional()
    .describe('5 fields, or 6 with seconds first; exactly one of cron and everyMs'),
  everyMs: z
    .int()
    .min(1_000)
    .max(366 * day)
    .nullable()
    .optional(),
  timezone: z.string().max(64).optional().describe('IANA name, for cron. Default: UTC'),
  startsAt: instantSchema.nullable().optional(),
  endsAt: instantSchema.nullable().optional(),
};

const behaviour = {
  name: z.string().min(1).max(200),
  data: z.record(z.string(), z.unknown()).describe('Payload of each job, checked by the contract of the type'),
  options: jobOptionsSchema.pick({ priority: true, attempts: true, timeoutMs: true, webhookUrl: true }).optional(),
  active: z.boolean().optional().describe('False: paused; times that pass meanwhile are not caught up'),
  overlap: overlapSchema.optional().describe('Default: skip'),
  catchUp: catchUpSchema.optional().describe('Default: last'),
  catchUpWindowMs: z
    .int()
    .min(0)
    .max(366 * day)
    .optional()
    .describe('How old a missed time may be. Default: a day'),
  jitterMs: z
    .int()
    .min(0)
    .max(3_600_000)
    .optional()
    .describe('Each job starts up to this much later, always the same for the same fire'),
};

export const createScheduleSchema = z.strictObject({
  ...behaviour,
  ...timing,
  queue: z.string().optional().describe('Follows from the type; checked when given'),
  type: z.string(),
});
export type CreateSchedule = z.output<typeof createScheduleSchema>;

export const patchScheduleSchema = z
  .strictObject({
    ...behaviour,
    name: behaviour.name.optional(),
    data: behaviour.data.optional(),
    ...timing,
    version: z
      .int()
      .min(1)
      .optional()
      .describe('The version this change is based on; another present one is a conflict'),
  })
  .describe('What is not given stays as it is');
export type PatchSchedule = z.output<typeof patchScheduleSchema>;

export const scheduleSchema = z
  .object({
    id: z.string(),
    tenantId: z.string(),
    name: z.string(),
    queue: queueNameSchema,
    type: z.string(),
    data: z.record(z.string(), z.unknown()).describe('Personal data is masked'),
    options: jobOptionsSchema.pick({ priority: true, attempts: true, timeoutMs: true, webhookUrl: true }),
    cron: z.string().nullable(),
    everyMs: z.int().nullable(),
    timezone: z.string(),
    startsAt: z.iso.datetime().nullable(),
    endsAt: z.iso.datetime().nullable(),
    active: z.boolean(),
    overlap: overlapSchema,
    catchUp: catchUpSchema,
    catchUpWindowMs: z.int(),
    jitterMs: z.int(),
    version: z.int().describe('Rises with each change'),
    nextRun: z.iso.datetime().nullable().describe('Null while paused and when there is none any more'),
    lastRun: z.iso.datetime().nullable().describe('The last fire that made a job'),
    lastJobId: z.string().nullable(),
    lastStatus: z
      .enum([...jobStatuses, 'fired'])
      .nullable()
      .describe('Status of the last fire’s job; `fired` when the job is not kept any more'),
    createdBy: z.string().nullable(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .describe('A job that is made again and again');
export type ScheduleResource = z.infer<typeof scheduleSchema>;

export const scheduleFireSchema = z
  .object({
    scheduleId: z.string(),
    fireAt: z.iso.datetime(),
    status: z.enum(fireStatuses),
    reason: z.string().nullable(),
    jobId: z.string().nullable(),
    jobStatus: z.enum(jobStatuses).nullable(),
    createdAt: z.iso.datetime(),
    firedAt: z.iso.datetime().nullable(),
  })
  .describe('One time of a schedule; it happens once');
export type ScheduleFireResource = z.infer<typeof scheduleFireSchema>;

export const schedulePreviewQuerySchema = z.strictObject({
  count: countQuerySchema({ min: 1, max: 100 }).default(10),
  from: instantSchema.optional().describe('Default: now'),
});

export const scheduleAnswerSchema = z.object({ schedule: scheduleSchema });
export const schedulePreviewSchema = z.object({
  fires: z.array(
    z.object({ fireAt: z.iso.datetime(), runAt: z.iso.datetime().describe('With the jitter of this fire') }),
  ),
});
export type SchedulePreview = z.infer<typeof schedulePreviewSchema>;
export const scheduleRunAnswerSchema = z.object({
  fire: scheduleFireSchema,
  job: jobSchema.nullable().describe('Null while the queue cannot take jobs; the scheduler hands it over later'),
});

export const scheduleListQuerySchema = z.strictObject({
  queue: queueNameSchema.optional(),
  type: z.enum(jobTypes).optional(),
  ...pageQuery,
});
export const scheduleListSchema = z.object({ schedules: z.array(scheduleSchema), nextCursor: nextCursorSchema });
export const scheduleFireListSchema = z.object({ fires: z.array(scheduleFireSchema), nextCursor: nextCursorSchema });
