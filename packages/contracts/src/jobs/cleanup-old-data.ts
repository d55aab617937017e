import { z } from 'zod';
import { defineJob, platformTenant } from '../contract.ts';

/** What retention may remove. Unfinished money jobs and their effects are never among it. */
export const cleanupTargets = [
  'jobs',
  'critical_jobs',
  'dead_letters',
  'flows',
  'queue_metrics',
  'webhook_deliveries',
  'provider_events',
  'audit_log',
  'reports',
  'schedule_fires',
  'redis_finished',
] as const;

/** Rows that belong to no tenant, or that tell what its people did. */
const ofThePlatform: readonly unknown[] = ['queue_metrics', 'provider_events', 'audit_log', 'redis_finished'];

/** Applies the retention of one table, or of finished jobs in Redis, in small batches. */
export const cleanupOldData = defineJob({
  type: 'cleanup-old-data',
  queue: 'background',
  summary: 'Remove what is older than its retention',
  version: 1,
  payload: z.strictObject({
    target: z.enum(cleanupTargets),
    olderThanDays: z.int().min(1).max(3_650),
    dryRun: z.boolean().default(false),
  }),
  result: z.object({ target: z.enum(cleanupTargets), matched: z.int(), removed: z.int(), dryRun: z.boolean() }),
  personalData: [],
  refuses: ({ target }, { tenantId }) =>
    tenantId !== platformTenant && ofThePlatform.includes(target)
      ? `only the platform may clean ${String(target)}, which belongs to no tenant`
      : null,
  permanentFailures: ['retention_too_short', 'platform_only'],
  example: {
    payload: { target: 'jobs', olderThanDays: 30, dryRun: true },
    result: { target: 'jobs', matched: 1_204, removed: 0, dryRun: true },
  },
});
