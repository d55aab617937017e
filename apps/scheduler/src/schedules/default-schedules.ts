import type { CreateSchedule } from '@queue-service/contracts';
import { platformTenant } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import { createSchedules, type Runtime } from '@queue-service/queue';

/** What every installation does by itself until somebody pauses or changes it. */
export const defaultSchedules: readonly CreateSchedule[] = [
  {
    name: 'reconcile-books daily',
    queue: 'money',
    type: 'reconcile-books',
    // Two hours more than a day: what ended at the edge of one run is looked at again by the next.
    data: { lastHours: 26 },
    cron: '15 3 * * *',
  },
];

/**
 * Makes those that are not there, by their names; one that is there stays as it is, paused or changed. A removed one comes
 * back, which is why it is to be paused instead.
 */
export async function seedDefaultSchedules(runtime: Runtime, log: Logger): Promise<void> {
  const schedules = createSchedules({ ...runtime, log });
  for (const schedule of defaultSchedules) {
    const { outcome } = await schedules.create(schedule, { tenantId: platformTenant, createdBy: 'default' });
    if (outcome === 'saved') log.info({ schedule: schedule.name }, 'A default schedule was made');
    if (outcome === 'invalid') throw new Error(`the default schedule ${schedule.name} is not valid`);
  }
}
