import { pageUpcoming, type ScheduleMove, type UpcomingRun } from '@queue-service/persistence';
import type { Runtime, Ticks } from '@queue-service/queue';

/** How far ahead ticks are set. */
export const horizonMs = 60_000;
const pageSize = 2_000;
const firstId = '00000000-0000-0000-0000-000000000000';

/**
 * Keeps a tick set for each schedule that fires within {@link horizonMs}. What it remembers of ticks that are set only
 * saves work: a tick too many wakes the scheduler for nothing, and a missing one is made up for by the sweep.
 */
export interface Upcoming {
  /** Sets ticks for what was created, changed, or has come near. @throws QueueUnavailableError */
  refresh(): Promise<void>;
  /** Sets the next ticks of schedules that have just been decided. @throws QueueUnavailableError */
  moved(moves: readonly ScheduleMove[]): Promise<void>;
  /** Redis has lost its data. */
  forget(): void;
}

export function createUpcoming(runtime: Runtime, ticks: () => Ticks): Upcoming {
  const set = new Map<string, number>();

  const setTicks = async (runs: readonly UpcomingRun[]) => {
    const changed = runs.filter(({ id, nextRun }) => set.get(id) !== nextRun.getTime());
    // Remembered first: what `forget` clears meanwhile is set again, whichever of the two came later.
    for (const { id, nextRun } of changed) set.set(id, nextRun.getTime());
    try {
      await ticks().set(changed);
    } catch (error) {
      for (const { id } of changed) set.delete(id);
      throw error;
    }
  };

  return {
    refresh: async () => {
      const now = runtime.now().getTime();
      for (const [id, at] of set) if (at < now - horizonMs) set.delete(id);
      let after: UpcomingRun = { id: firstId, nextRun: new Date(now) };
      for (;;) {
        const runs = await pageUpcoming(runtime.db, after, new Date(now + horizonMs), pageSize);
        await setTicks(runs);
        const last = runs.at(-1);
        if (last === undefined || runs.length < pageSize) return;
        after = last;
      }
    },

    moved: async (moves) => {
      const until = runtime.now().getTime() + horizonMs;
      const near = moves.flatMap(({ id, nextRun }) =>
        nextRun !== null && nextRun.getTime() <= until ? [{ id, nextRun }] : [],
      );
      const nearIds = new Set(near.map(({ id }) => id));
      await setTicks(near);
      const far = moves.filter(({ id }) => !nearIds.has(id) && set.delete(id)).map(({ id }) => id);
      await ticks().clear(far);
    },

    forget: () => set.clear(),
  };
}
