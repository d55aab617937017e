import { z } from 'zod';
import { idempotencyKeySchema, jobFailureSchema, jobOptionsSchema } from './jobs.ts';
import { createdQuery, nextCursorSchema, pageQuery } from './page.ts';

export const flowStatuses = ['running', 'completed', 'failed', 'compensating', 'compensated', 'cancelled'] as const;
export type FlowStatus = (typeof flowStatuses)[number];

export const stepStatuses = [
  'waiting',
  'pending',
  'processing',
  'completed',
  'failed',
  'skipped',
  'cancelled',
] as const;
export type StepStatus = (typeof stepStatuses)[number];

export const stepNameSchema = z
  .string()
  .regex(/^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/, 'is not a name of letters, digits, - and _, at most 64 long');

/** What happens to the flow when a step has died: it fails, it goes on, or what was done is undone in reverse order. */
export const onFailureValues = ['fail', 'continue', 'compensate'] as const;

const stepJob = {
  type: z.string(),
  queue: z.string().optional().describe('Follows from the type; checked when given'),
  data: z
    .record(z.string(), z.unknown())
    .describe('The payload; {"$ref": "steps.<name>.result.<field>"} takes a value of an earlier step'),
};

export const flowStepSchema = z.strictObject({
  name: stepNameSchema,
  ...stepJob,
  dependsOn: z
    .array(stepNameSchema)
    .max(1_000)
    .optional()
    .describe('Steps that must end first; steps named by a $ref count too'),
  onFailure: z.enum(onFailureValues).optional().describe('Default: fail'),
  compensation: z.strictObject(stepJob).optional().describe('The job that undoes this step'),
  options: jobOptionsSchema.pick({ priority: true, attempts: true, timeoutMs: true, delayMs: true }).optional(),
});
export type FlowStepInput = z.output<typeof flowStepSchema>;

export const maxFlowSteps = 2_000;
/** Between all steps of a flow, those that follow from references included. */
export const maxFlowDependencies = 5_000;

export const createFlowSchema = z
  .strictObject({
    name: z.string().min(1).max(200).optional(),
    template: z.string().min(1).max(100).optional().describe('A ready-made flow, with `input` instead of `steps`'),
    input: z.record(z.string(), z.unknown()).optional(),
    steps: z.array(flowStepSchema).min(1).max(maxFlowSteps).optional(),
    options: z
      .strictObject({
        idempotencyKey: idempotencyKeySchema.optional(),
        webhookUrl: z
          .url({ protocol: /^https?$/ })
          .max(2_048)
          .optional(),
      })
      .optional(),
  })
  .refine((flow) => (flow.template === undefined) !== (flow.steps === undefined), {
    path: ['steps'],
    error: 'exactly one of steps and template is required',
  });
export type CreateFlow = z.output<typeof createFlowSchema>;

export const flowStepResourceSchema = z.object({
  name: z.string(),
  queue: z.string(),
  type: z.string(),
  status: z
    .enum([...stepStatuses, 'settling'])
    .describe('`settling`: over but for an effect whose outcome is open; its provider is asked'),
  dependsOn: z.array(z.string()),
  onFailure: z.enum(onFailureValues),
  jobId: z.string().nullable(),
  attempts: z.int(),
  startedAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
  result: z.record(z.string(), z.unknown()).nullable(),
  error: jobFailureSchema.nullable(),
  compensation: z
    .object({
      type: z.string(),
      status: z.string(),
      jobId: z.string().nullable(),
      result: z.record(z.string(), z.unknown()).nullable(),
    })
    .nullable(),
});

export const flowSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    template: z.string().nullable(),
    status: z.enum(flowStatuses),
    tenantId: z.string(),
    idempotencyKey: z.string().nullable(),
    createdAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().nullable(),
    error: jobFailureSchema.nullable(),
    steps: z.array(flowStepResourceSchema),
  })
  .describe('A workflow of jobs that wait on each other');
export type FlowResource = z.infer<typeof flowSchema>;

export const flowAnswerSchema = z.object({ flow: flowSchema });

export const flowListQuerySchema = z.strictObject({
  status: z.enum(flowStatuses).optional(),
  ...createdQuery,
  ...pageQuery,
});
export const flowSummarySchema = flowSchema.omit({ steps: true }).describe('A workflow without its steps');
export const flowListSchema = z.object({ flows: z.array(flowSummarySchema), nextCursor: nextCursorSchema });
