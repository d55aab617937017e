import type { Logger, Metrics } from '@queue-service/observability';
import {
  lockDueSchedules,
  lockOverdueSchedules,
  type ScheduleMove,
  type ScheduleRow,
  type Sql,
} from '@queue-service/persistence';
import { decideFires, launchFires, type Runtime } from '@queue-service/queue';

export interface FiringParts {
  runtime: Runtime;
  log: Logger;
  metrics: Metrics;
  /** Told of schedules that moved on, so that their next tick can be set. */
  onMoved(moves: readonly ScheduleMove[]): Promise<void>;
}

/** Fires what is due. Safe to be called by any number of processes at once. */
export interface Firing {
  /** Those of the given schedules that are due. */
  fire(scheduleIds: readonly string[]): Promise<void>;
  /**
   * A portion of the schedules that have been due since before `dueBefore`: those whose tick was lost. Answers how many
   * that were; less than `limit` when it was the rest.
   */
  fireOverdue(dueBefore: Date, limit: number): Promise<number>;
}

export function createFiring(parts: FiringParts): Firing {
  const { runtime, log, metrics } = parts;

  /** Decides in one transaction, then hands over. A crash in between leaves fires that the sweep of owed ones finds. */
  const decideAndLaunch = async (lock: (sql: Sql, now: Date) => Promise<(ScheduleRow & { nextRun: Date })[]>) => {
    const now = runtime.now();
    const { decision, count } = await runtime.db.transaction(async (sql) => {
      const rows = await lock(sql, now);
      const decision = await decideFires(sql, { connections: runtime.connections, log }, rows, now);
      return { decision, count: rows.length };
    });
    for (const { status, late } of decision.recorded) {
      if (status !== 'missed') metrics.scheduleFires.inc({ outcome: status === 'due' ? 'fired' : status });
      if (late) metrics.scheduleMissed.inc({ outcome: status === 'missed' ? 'left_out' : 'caught_up' });
    }
    await launchFires({ ...runtime, log }, decision.owed);
    await parts.onMoved(decision.moves);
    return count;
  };

  return {
    fire: async (ids) => {
      await decideAndLaunch((sql, now) => lockDueSchedules(sql, ids, now));
    },
    fireOverdue: (dueBefore, limit) => decideAndLaunch((sql) => lockOverdueSchedules(sql, dueBefore, limit)),
  };
}
