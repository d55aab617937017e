import type { Logger } from '@queue-service/observability';
import {
  countQueuedFires,
  insertFires,
  moveSchedules,
  type NewFire,
  type OwedFire,
  type ScheduleMove,
  type ScheduleRow,
  type Sql,
} from '@queue-service/persistence';
import { newId } from '../ids.ts';
import type { Connections } from '../redis/connections.ts';
import { busyJobs } from './busy-jobs.ts';
import { type PlannedFire, planFires } from './plan-fires.ts';

/** What was decided, to be acted upon after the commit. */
export interface FireDecision {
  /** Fires whose job is to be handed over now. What is forgotten of them is found by the scheduler's sweep. */
  readonly owed: OwedFire[];
  readonly moves: ScheduleMove[];
  /** Everything that was recorded, for the metrics. */
  readonly recorded: PlannedFire[];
}

/** How soon a schedule whose times cannot be computed is tried again. */
const brokenAgainMs = 3_600_000;

/**
 * Decides about every time of due schedules that has passed, inside the caller's transaction and with their rows locked:
 * records the fires, and moves the schedules on. A fire that is recorded already is left alone, so neither a second
 * scheduler nor a crash makes one happen twice; one that is recorded as `due` will be handed over, so none is forgotten.
 */
export async function decideFires(
  sql: Sql,
  parts: { connections: Connections; log: Logger },
  rows: readonly (ScheduleRow & { nextRun: Date })[],
  now: Date,
): Promise<FireDecision> {
  if (rows.length === 0) return { owed: [], moves: [], recorded: [] };
  const exclusive = rows.filter((row) => row.overlap !== 'allow');
  const last = exclusive.flatMap(({ lastJobId, queue }) => (lastJobId === null ? [] : [{ id: lastJobId, queue }]));
  const busy = await busyJobs(sql, parts.connections, last);
  const queued = await countQueuedFires(
    sql,
    exclusive.map(({ id }) => id),
  );

  const plans = rows.map((row) => {
    const underWay = { busy: row.lastJobId !== null && busy.has(row.lastJobId), queued: queued.get(row.id) ?? 0 };
    return { row, ...planOf(row, now, underWay, parts.log) };
  });
  const fires = plans.flatMap(({ row, fires }) =>
    fires.map((planned) => ({ row, planned, fire: newFire(row.id, planned, now) })),
  );
  const inserted = new Set(
    (
      await insertFires(
        sql,
        fires.map(({ fire }) => fire),
      )
    ).map(keyOf),
  );
  const recorded = fires.filter(({ fire }) => inserted.has(keyOf(fire)));
  const owed = recorded.flatMap(({ row, fire }) =>
    fire.jobId === null ? [] : [owedFire(row, fire.fireAt, fire.jobId)],
  );
  const lastOf = new Map(owed.map((fire) => [fire.scheduleId, fire]));
  const moves = plans.map(({ row, nextRun }): ScheduleMove => {
    const fire = lastOf.get(row.id);
    return { id: row.id, nextRun, lastRun: fire?.fireAt ?? null, lastJobId: fire?.jobId ?? null };
  });
  await moveSchedules(sql, moves);
  return { owed, moves, recorded: recorded.map(({ planned }) => planned) };
}

const keyOf = (fire: { scheduleId: string; fireAt: Date }) => `${fire.scheduleId} ${fire.fireAt.getTime()}`;

/** One schedule that cannot be computed must not keep the others from firing. */
function planOf(
  row: ScheduleRow & { nextRun: Date },
  now: Date,
  underWay: Parameters<typeof planFires>[2],
  log: Logger,
): ReturnType<typeof planFires> {
  try {
    return planFires({ ...row, anchor: row.createdAt }, now, underWay);
  } catch (error) {
    log.error(
      { err: error, scheduleId: row.id },
      'The times of a schedule cannot be computed; it is tried again in an hour',
    );
    return { fires: [], nextRun: new Date(now.getTime() + brokenAgainMs) };
  }
}

function newFire(scheduleId: string, planned: PlannedFire, now: Date): NewFire {
  const { fireAt, status, reason } = planned;
  return { scheduleId, fireAt, status, reason, jobId: status === 'due' ? newId() : null, createdAt: now };
}

/** A fire with what its job is made of. */
export function owedFire(row: ScheduleRow, fireAt: Date, jobId: string): OwedFire {
  const { tenantId, queue, type, payload, payloadVersion, options, jitterMs } = row;
  return { scheduleId: row.id, fireAt, jobId, tenantId, queue, type, payload, payloadVersion, options, jitterMs };
}
