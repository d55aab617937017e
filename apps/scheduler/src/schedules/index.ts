import type { Logger, Metrics } from '@queue-service/observability';
import { openTicks, type Runtime, type Ticks } from '@queue-service/queue';
import { every } from '../every.ts';
import { watchLoss } from '../watch-loss.ts';
import { createFiring, type Firing } from './fire-due.ts';
import { launchOwed, relaunchLost } from './launch-owed.ts';
import { releaseQueued } from './release-queued.ts';
import { steadily } from './steadily.ts';
import { createUpcoming, type Upcoming } from './upcoming.ts';

export interface SchedulesOptions {
  runtime: Runtime;
  log: Logger;
  metrics: Metrics;
  /** Ends it. */
  signal: AbortSignal;
  /** Between two sweeps, in milliseconds. Default 1000. */
  sweepEveryMs?: number;
}

/** How long a tick has before the sweep takes its schedule for forgotten. */
const tickGraceMs = 1_000;
const refreshEveryMs = 5_000;
const overdueBatch = 200;
/** The queues whose jobs have no row that outlives Redis. */
const lossyQueues = ['communication', 'background'] as const;

/**
 * Fires schedules: at their time by ticks from BullMQ, and within some two seconds by a sweep over what is overdue, which
 * also finds whatever a crash, an absent Redis or a FLUSHALL has left behind. Resolves when all of it has stopped.
 *
 * Promises that each time of a schedule is decided once and that a fire's job is made once. That holds however many
 * processes run this at once; to have one do it (`runAsLeader`) only saves work. Does not promise order between schedules.
 */
export async function startSchedules(options: SchedulesOptions): Promise<void> {
  const { runtime, log, metrics, signal } = options;
  const upcoming = createUpcoming(runtime, () => ticks);
  const part = (name: string) => steadily(log, name);
  const setTicks = part('Setting ticks');
  const firing = createFiring({ runtime, log, metrics, onMoved: (moves) => setTicks(() => upcoming.moved(moves)) });
  const onTick = part('Firing by ticks');
  const ticks: Ticks = openTicks({
    connections: runtime.connections,
    log,
    onTicks: (ids) => onTick(() => firing.fire(ids)),
  });
  const duties = [
    { run: part('Restoring what Redis lost'), work: lossRestorer(options, upcoming) },
    { run: part('Firing what is overdue'), work: () => sweepOverdue(options, firing) },
    { run: part('Handing over owed fires'), work: () => launchOwed(options) },
    { run: part('Releasing queued fires'), work: () => releaseQueued(options) },
  ];
  const refresh = part('Looking ahead');
  await Promise.all([
    every(options.sweepEveryMs ?? 1_000, signal, async () => {
      for (const { run, work } of duties) await run(work);
    }),
    every(refreshEveryMs, signal, () => refresh(() => upcoming.refresh())),
  ]);
  await ticks.close();
}

/** What is overdue in portions, until there is no more. */
async function sweepOverdue({ runtime, signal }: SchedulesOptions, firing: Firing): Promise<void> {
  while (!signal.aborted) {
    const dueBefore = new Date(runtime.now().getTime() - tickGraceMs);
    if ((await firing.fireOverdue(dueBefore, overdueBatch)) < overdueBatch) return;
  }
}

/** Looks, at each call, whether a Redis has lost its data, and puts back what schedules had there. */
function lossRestorer(options: SchedulesOptions, upcoming: Upcoming): () => Promise<void> {
  const { connections } = options.runtime;
  // A watch a queue: one Redis that is away must not keep the others from being restored.
  const watches = lossyQueues.map((queue) => ({ queue, look: watchLoss(connections.of(queue), 'schedules') }));
  return async () => {
    const outcomes = await Promise.allSettled(
      watches.map(({ queue, look }) =>
        look(async () => {
          if (queue === 'background') {
            upcoming.forget();
            await upcoming.refresh();
          }
          const jobs = await relaunchLost(options, queue);
          if (jobs > 0)
            options.log.info({ queue, jobs }, 'Unfinished jobs of schedules were put into Redis, where missing');
        }),
      ),
    );
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  };
}
