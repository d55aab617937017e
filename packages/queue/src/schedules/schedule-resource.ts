import {
  contractOf,
  type JobType,
  maskPersonalData,
  type QueueName,
  type ScheduleFireResource,
  type ScheduleResource,
} from '@queue-service/contracts';
import type { FireRow, ScheduleWithStatus } from '@queue-service/persistence';

const time = (date: Date | null) => date?.toISOString() ?? null;

/** A schedule as the API shows it: the personal data of its payload is masked. */
export function scheduleResource(row: ScheduleWithStatus): ScheduleResource {
  const { payload, payloadVersion: _, ...rest } = row;
  return {
    ...rest,
    queue: row.queue as QueueName,
    data: maskPersonalData(payload, contractOf(row.type as JobType).personalData) as Record<string, unknown>,
    startsAt: time(row.startsAt),
    endsAt: time(row.endsAt),
    nextRun: time(row.nextRun),
    lastRun: time(row.lastRun),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

export function fireResource(row: FireRow): ScheduleFireResource {
  return {
    ...row,
    fireAt: row.fireAt.toISOString(),
    createdAt: row.createdAt.toISOString(),
    firedAt: time(row.firedAt),
  };
}
