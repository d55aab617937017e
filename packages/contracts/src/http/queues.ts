import { z } from 'zod';
import { day, queueNameSchema } from '../queues.ts';
import { countQuerySchema, instantQuerySchema } from './page.ts';

export const queueStatsSchema = z
  .object({
    queue: queueNameSchema,
    tier: z.int(),
    waiting: z.int().describe('Due and not started, also while paused'),
    active: z.int(),
    delayed: z.int().describe('Waits for a retry, a poll, a cap of its tenant or the delay it was posted with'),
    oldestWaitingMs: z.number().describe('How long the longest-waiting job has been due'),
    paused: z.boolean(),
    pausedAt: z.iso.datetime().nullable(),
    pausedBy: z.string().nullable(),
    rates: z
      .object({ enqueued: z.number(), completed: z.number(), failed: z.number() })
      .describe('Jobs a minute over the last five minutes'),
  })
  .describe('A queue at this moment');
export type QueueStats = z.infer<typeof queueStatsSchema>;

export const queueAnswerSchema = z.object({ queue: queueStatsSchema });
export const queueListSchema = z.object({ queues: z.array(queueStatsSchema) });

/** Waiting jobs are not cleaned away: they are cancelled one by one, which is told. */
export const cleanableStates = ['completed', 'failed'] as const;

export const cleanQuerySchema = z.strictObject({
  state: z.enum(cleanableStates).default('completed'),
  olderThanMs: countQuerySchema({ min: 0, max: 366 * day }).default(0),
  limit: countQuerySchema({ min: 1, max: 100_000 }).default(10_000),
});
export const cleanAnswerSchema = z.object({
  removed: z.int().describe('Jobs removed from Redis; the ledger and history keep theirs'),
  more: z.boolean().describe('The limit was reached: there may be more'),
});

export const queueMetricsQuerySchema = z.strictObject({
  from: instantQuerySchema.optional().describe('Default: an hour ago'),
  to: instantQuerySchema.optional().describe('Default: now'),
});
export const queueMetricSchema = z.object({
  resolution: z.int().describe('Seconds that it covers'),
  waiting: z.int(),
  active: z.int(),
  delayed: z.int(),
  completed: z.int(),
  failed: z.int(),
  enqueued: z.int(),
  rates: z
    .object({ enqueued: z.number(), completed: z.number(), failed: z.number() })
    .describe('Jobs a minute in these seconds'),
  paused: z.boolean(),
  oldestWaitingMs: z.number().describe('How long the longest-waiting job had been due, at most'),
  capturedAt: z.iso.datetime(),
});
export const queueMetricsAnswerSchema = z.object({
  queue: queueNameSchema,
  metrics: z.array(queueMetricSchema).describe('The earliest first'),
  nextFrom: z.iso.datetime().nullable().describe('`from` of the next part; null when this is all'),
});
