import { type QueueName, queues } from '@queue-service/contracts';
import type { Logger, Metrics } from '@queue-service/observability';
import { hearCancelled } from './cancel/cancel-messages.ts';
import { type RedisConfig, redisUrlOf } from './config.ts';
import { startFairWorker } from './fairness/fair-worker.ts';
import type { Handlers } from './handler.ts';
import { watchLoop } from './host/watch-loop.ts';
import { type LockTiming, lockTiming, startWorkerHost, type WorkerHost } from './host/worker-host.ts';
import { openWorkerRedis } from './redis/connections.ts';
import type { Runtime } from './runtime.ts';
import { createHistoryTier } from './tiers/history.ts';
import { createJobMarks } from './tiers/job-marks.ts';
import { type LeaseTiming, leaseTiming } from './tiers/leases.ts';
import { createLedgerTier } from './tiers/ledger.ts';

export interface FleetOptions<Queue extends QueueName> {
  runtime: Runtime;
  queue: Queue;
  handlers: Handlers<Queue>;
  config: RedisConfig & { WORKER_CONCURRENCY: number };
  log: Logger;
  metrics: Metrics;
  /** Default: `leaseTiming` and `lockTiming`. */
  timing?: LeaseTiming & LockTiming;
  /** How often a job's worker may die before the job is taken for the cause. Default 5. */
  maxCrashes?: number;
  /** How long a handler may go on after its signal was aborted, in milliseconds. Default 5000. */
  abortGraceMs?: number;
  /** Whether the event loop is watched, by a thread: for the only worker of a process. Default no. */
  watchesLoop?: boolean;
}

/** The worker host of one queue, on the tier that the queue has. Opens a connection of its own and closes it. */
export function startFleetWorker<Queue extends QueueName>(options: FleetOptions<Queue>): WorkerHost {
  const { runtime, queue, config, log, metrics } = options;
  const timing = options.timing === undefined ? {} : { timing: options.timing };
  const { prefix } = runtime.connections.of(queue);
  const redis = openWorkerRedis(redisUrlOf(config, queue), log);
  const tier =
    queues[queue].tier === 1
      ? createLedgerTier({ ...runtime, log, ...timing })
      : createHistoryTier({
          ...runtime,
          ...{ queue, log, marks: createJobMarks(runtime.connections.of(queue), log) },
          cancel: (id) => runtime.cancelJob(id, null),
        });
  const loop =
    options.watchesLoop === true ? watchLoop({ queue, log, metrics, claimsLastMs: claimsLastMs(options) }) : undefined;
  const host = startWorkerHost({
    queue,
    handlers: options.handlers,
    tier,
    fairness: startFairWorker({ ...runtime, connection: runtime.connections.of(queue), log }),
    redis,
    prefix,
    concurrency: config.WORKER_CONCURRENCY,
    sealer: runtime.sealer,
    log,
    metrics,
    publish: runtime.publish,
    now: runtime.now,
    random: Math.random,
    abortGraceMs: options.abortGraceMs,
    loop,
    ...(options.maxCrashes === undefined ? {} : { maxCrashes: options.maxCrashes }),
    ...timing,
  });
  const messages = openWorkerRedis(redisUrlOf(config, queue), log);
  hearCancelled(messages, prefix, queue, (id) => host.cancel(id));
  return Object.assign(Object.create(host) as WorkerHost, {
    close: async (graceMs: number) => {
      await host.close(graceMs);
      redis.disconnect();
      messages.disconnect();
    },
  });
}

/** A block that begins just before a renewal leaves the claims this long. */
function claimsLastMs({ timing }: { timing?: LeaseTiming & LockTiming }): number {
  const { lockDuration, lockRenewTime, leaseMs, renewEveryMs } = timing ?? { ...lockTiming, ...leaseTiming };
  return Math.min(lockDuration - lockRenewTime, leaseMs - renewEveryMs);
}
