import {
  type CreateSchedule,
  contractOf,
  type ScheduleFireResource,
  type ScheduleResource,
} from '@queue-service/contracts';
import { createLogger, createMetrics, Secret } from '@queue-service/observability';
import { createSchedules, newId, openRuntime, type Runtime } from '@queue-service/queue';

export const log = createLogger({ service: 'test', level: 'silent' });

/** A scheduler's parts on the given servers, with a clock that tests set. */
export function openStage(options: { databaseUrl: string; redisUrl: string; prefix: string; now?: () => Date }) {
  const runtime: Runtime = openRuntime({
    config: {
      DATABASE_URL: new Secret(options.databaseUrl),
      DATABASE_POOL_SIZE: 8,
      PAYLOAD_ENCRYPTION_KEYS: [],
      REDIS_URL: new Secret(options.redisUrl),
      QUEUE_PREFIX: options.prefix,
    },
    applicationName: 'test',
    log,
    ...(options.now === undefined ? {} : { now: options.now }),
  });
  const schedules = createSchedules({ ...runtime, log });
  return {
    runtime,
    schedules,
    metrics: createMetrics({ service: 'test' }),
    create: async (given: Partial<CreateSchedule>): Promise<ScheduleResource> => {
      const input: CreateSchedule = {
        name: newId(),
        type: 'payment-process',
        data: contractOf('payment-process').example.payload,
        ...(given.everyMs === undefined ? { cron: '* * * * *' } : {}),
        ...given,
      };
      const saved = await schedules.create(input, { tenantId: 't', createdBy: null });
      if (saved.outcome !== 'saved') throw new Error(JSON.stringify(saved));
      return saved.schedule;
    },
    /** The earliest first. */
    fires: async (id: string): Promise<ScheduleFireResource[]> =>
      [...((await schedules.fires(id, null, { limit: 1_000, after: null }))?.items ?? [])].reverse(),
    /** Ends a job of the ledger as a worker would have. */
    end: async (jobId: string | null, status: 'completed' | 'failed' = 'completed') => {
      await runtime.db.prisma.criticalJob.update({
        where: { id: jobId ?? '' },
        data: { status, finishedAt: new Date() },
      });
    },
  };
}

export type Stage = ReturnType<typeof openStage>;
