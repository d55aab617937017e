import type { Logger } from '@queue-service/observability';
import {
  lockSchedule,
  moveSchedules,
  type OwedFire,
  pageQueuedFires,
  type QueuedFire,
  releaseFire,
} from '@queue-service/persistence';
import { busyJobs, launchFires, newId, type Runtime } from '@queue-service/queue';

const pageSize = 500;
const firstId = '00000000-0000-0000-0000-000000000000';

/** Fires that wait for the job of the fire before them get their job once that one has ended. */
export async function releaseQueued(parts: { runtime: Runtime; log: Logger; signal: AbortSignal }): Promise<void> {
  const { runtime, log, signal } = parts;
  for (let after = firstId; !signal.aborted; ) {
    const queued = await pageQueuedFires(runtime.db, after, pageSize);
    const last = queued.flatMap(({ lastJobId, queue }) => (lastJobId === null ? [] : [{ id: lastJobId, queue }]));
    const busy = await busyJobs(runtime.db, runtime.connections, last);
    for (const fire of queued.filter(({ lastJobId }) => lastJobId === null || !busy.has(lastJobId))) {
      const released = await release(runtime, fire);
      await launchFires({ ...runtime, log }, released === null ? [] : [released]);
    }
    if (queued.length < pageSize) return;
    after = queued.at(-1)?.scheduleId ?? firstId;
  }
}

/** Null when another fire of the schedule came first. */
function release(runtime: Runtime, queued: QueuedFire): Promise<OwedFire | null> {
  return runtime.db.transaction(async (sql) => {
    const schedule = await lockSchedule(sql, queued.scheduleId, null);
    if (schedule === null || schedule.lastJobId !== queued.lastJobId) return null;
    const fire = await releaseFire(sql, queued, newId(), runtime.now());
    if (fire !== null) {
      const { id, nextRun } = schedule;
      await moveSchedules(sql, [{ id, nextRun, lastRun: fire.fireAt, lastJobId: fire.jobId }]);
    }
    return fire;
  });
}
