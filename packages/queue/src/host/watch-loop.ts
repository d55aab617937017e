import { Worker as Thread } from 'node:worker_threads';
import type { QueueName } from '@queue-service/contracts';
import type { Logger, Metrics } from '@queue-service/observability';
import type { LoopThreadData } from './loop-thread.ts';
import { createNamedJobs, namedJobs, type RunningJob } from './named-jobs.ts';

export interface LoopWatchParts {
  queue: QueueName;
  log: Logger;
  metrics: Metrics;
  /** From when on a block may have cost the claims of the jobs that run, in milliseconds. */
  claimsLastMs: number;
}

export interface LoopWatch {
  /** A handler is about to start; the answer tells that it has ended. */
  enter(job: RunningJob): () => void;
  close(): void;
}

/** A longer block is told of, in milliseconds. */
const maxBlockMs = 1_000;

const beatMs = 250;

/**
 * Detects a handler that blocks the event loop, and names the jobs that ran. After a block the loop itself tells how long
 * it was. One that lasts longer than claims do is told of by a thread while it lasts: it may never end.
 *
 * Does not say which of several jobs it was. A process that got no CPU looks the same, but for its `cpuMs`.
 */
export function watchLoop({ queue, log, metrics, claimsLastMs }: LoopWatchParts): LoopWatch {
  const running = createNamedJobs();
  /** Of these one may have blocked: its end comes before the beat that is late. */
  const left: (() => void)[] = [];
  const beats = new Int32Array(new SharedArrayBuffer(4));
  const workerData: LoopThreadData = {
    ...{ beats, running: running.memory, everyMs: beatMs, maxBlockMs: claimsLastMs },
    line: log.isLevelEnabled('error') ? { ...log.bindings(), pid: process.pid, queue } : null,
  };
  const thread = new Thread(new URL('./loop-thread.ts', import.meta.url), { workerData, execArgv: [], env: {} });
  thread.unref();
  thread.on('error', (err) => log.warn({ err }, 'Nobody watches any more for an event loop that stands still'));

  let beatAt = performance.now();
  let cpu = process.cpuUsage();
  const beat = () => {
    const now = performance.now();
    const blockedMs = Math.round(now - beatAt - beatMs);
    beatAt = now;
    Atomics.add(beats, 0, 1);
    const jobs = blockedMs > maxBlockMs ? namedJobs(running.memory) : [];
    if (jobs.length > 0) {
      metrics.eventLoopBlocked.observe({ queue }, blockedMs / 1_000);
      const { user, system } = process.cpuUsage(cpu);
      const line = { queue, blockedMs, cpuMs: Math.round((user + system) / 1_000), jobs };
      if (blockedMs > claimsLastMs) {
        log.error(line, 'A handler blocked the event loop so long that other workers may have taken these jobs');
      } else log.warn(line, 'A handler blocked the event loop');
    }
    cpu = process.cpuUsage();
    for (const leave of left.splice(0)) leave();
  };
  const timer = setInterval(beat, beatMs);
  timer.unref();

  return {
    enter: (job) => {
      const leave = running.add(job);
      return () => {
        if (performance.now() > beatAt + beatMs) left.push(leave);
        else leave();
      };
    },
    close: () => {
      clearInterval(timer);
      void thread.terminate();
    },
  };
}
