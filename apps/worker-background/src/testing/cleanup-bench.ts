import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { day, type JobPayload } from '@queue-service/contracts';
import type { JobContext } from '@queue-service/queue';
import { createFileStorage } from '@queue-service/report-storage';
import { createCleanupOldData } from '../jobs/cleanup-old-data.ts';
import { testContext } from './test-context.ts';
import { openTestRuntime } from './test-runtime.ts';

export type Target = JobPayload<'cleanup-old-data'>['target'];
export const ago = (days: number) => new Date(Date.now() - days * day);

/** A database to clean, and what cleans it. */
export async function openCleanupBench() {
  const { runtime } = await openTestRuntime();
  const folder = await mkdtemp(join(tmpdir(), 'reports-'));
  const storage = createFileStorage(folder);
  const tables = `critical_jobs, effects, jobs, dead_letters, flows, flow_steps, queue_metrics, webhook_deliveries,
    provider_events, audit_log, reports, schedules, schedule_fires`;
  return {
    runtime,
    folder,
    storage,
    clean: async (
      target: Target,
      olderThanDays: number,
      given: Partial<JobContext> & { dryRun?: boolean; batchSize?: number } = {},
    ) => {
      const { dryRun = false, batchSize = 3, ...context } = given;
      const handler = createCleanupOldData({ runtime, storage, batchSize });
      return handler({ target, olderThanDays, dryRun }, testContext(context));
    },
    left: async (table: string): Promise<number> => {
      const [row] = await runtime.db.query<{ n: number }>(`count-${table}`, `SELECT COUNT(*)::int AS n FROM ${table}`);
      return row?.n ?? -1;
    },
    empty: () => runtime.db.query('truncate', `TRUNCATE ${tables} CASCADE`),
    seedLetter: (letter: { jobId?: string; status: string; createdAt: Date; queue?: string; resolvedAt?: Date }) =>
      runtime.db.prisma.deadLetter.create({
        data: {
          id: randomUUID(),
          jobId: randomUUID(),
          queue: 'money',
          type: 'payment-process',
          tenantId: 'venue-1',
          reason: 'permanent',
          error: {},
          attempts: 1,
          payload: {},
          payloadVersion: 1,
          priority: 5,
          maxAttempts: 1,
          timeoutMs: 1,
          ...letter,
        },
      }),
    close: async () => {
      await runtime.close();
      await rm(folder, { recursive: true });
    },
  };
}
