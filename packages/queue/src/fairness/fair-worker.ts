import type { Logger } from '@queue-service/observability';
import type { Database } from '@queue-service/persistence';
import { DelayedError, type Job } from 'bullmq';
import { coalesce } from '../coalesce.ts';
import type { QueueConnection } from '../redis/connections.ts';
import { priorityOf } from './bands.ts';
import { isCapped, isCurrent, type KnownLimits, publishLimits, readLimits } from './limits.ts';
import { type CappedJob, enterQueue, parkMs, tendQueue } from './tend-queue.ts';

export interface FairWorkerParts {
  connection: QueueConnection;
  db: Database;
  log: Logger;
  now: () => Date;
}

type Process = (job: Job, token?: string) => Promise<unknown>;

/** The worker's part of fairness. */
export interface FairWorker {
  /** The processor of a BullMQ worker, for jobs that may run now; others go into the lobby of their tenant. */
  around(process: Process): Process;
  close(): Promise<void>;
}

const everyPriority = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1];

/** Milliseconds between two rounds while jobs start, and while none does; all workers of a queue share the former. */
const busyMs = 50;
const idleMs = 1_000;

/** How often PostgreSQL is asked for limits that Redis was not told of, in milliseconds. */
const recheckMs = 10_000;

/**
 * Keeps the order of a queue from a worker: tags what came back from a delay, wakes lobbies, counts what runs of capped
 * tenants, and learns of changed limits. A job of a tenant without caps costs it nothing but a look into a map.
 *
 * Promises that no more than `maxRunning` jobs of a tenant run at once and no more than `maxPerSecond` start in a second
 * (a tenth more at its beginning), counted from when the workers know of the cap: at once when they are busy, within
 * a second else. While Redis does not answer, a job that is in hand is run: a cap is not worth a job.
 */
export function startFairWorker(parts: FairWorkerParts): FairWorker {
  const { connection, db, log, now } = parts;
  const state = { limits: null as KnownLimits | null, checkedAt: 0, closed: false, dueAt: Number.POSITIVE_INFINITY };
  let timer: NodeJS.Timeout | undefined;
  let ended: { id: string; tenantId: string }[] = [];
  let round: Promise<void> | undefined;

  const schedule = (inMs: number) => {
    const at = performance.now() + inMs;
    if (state.closed || at >= state.dueAt) return;
    state.dueAt = at;
    clearTimeout(timer);
    timer = setTimeout(begin, inMs);
    timer.unref();
  };

  const begin = () => {
    state.dueAt = Number.POSITIVE_INFINITY;
    if (round !== undefined) return;
    round = run().finally(() => {
      round = undefined;
      if (ended.length > 0) schedule(0);
    });
  };

  const run = async (): Promise<void> => {
    const mine = ended;
    ended = [];
    try {
      if (connection.redis.status !== 'ready') throw new Error('Redis is away');
      const tended = await tendQueue(connection, {
        priorities: everyPriority,
        ended: mine,
        unlessWithinMs: busyMs - 10,
        now: now(),
      });
      await learn(tended.revision).catch((error) => log.warn({ err: error }, 'The limits of tenants cannot be read'));
      schedule(tended.more ? 0 : Math.min(tended.dueInMs ?? idleMs, idleMs));
    } catch (error) {
      log.debug({ err: error }, 'The order of the queue could not be kept; trying again');
      ended.push(...mine);
      schedule(idleMs);
    }
  };

  /** Reads the limits again when they are said to be others, and from time to time. */
  const learn = async (revision: number | null): Promise<void> => {
    const due = performance.now() - state.checkedAt > recheckMs;
    if (revision === state.limits?.revision && !due) return;
    state.checkedAt = performance.now();
    if (revision === state.limits?.revision && (await isCurrent(db, state.limits))) return;
    state.limits = await readLimits(db);
    if (state.limits.revision !== revision) await publishLimits(connection, state.limits);
  };

  const mayRun = coalesce<CappedJob, boolean>((jobs) => enterQueue(connection, jobs, now()), {
    maxBatch: 100,
    maxInFlight: 2,
  });

  begin();
  return {
    around: (process) => async (job, token) => {
      schedule(busyMs);
      if (state.limits === null) await round; // Its first round reads them.
      const tenantId = (job.opts as { tenant?: string }).tenant ?? '';
      if (!isCapped(state.limits?.of.get(tenantId))) return process(job, token);
      const id = job.id as string;
      const may = await mayRun({ id, tenantId, priority: priorityOf(job.opts.priority ?? 0) }).catch(() => true);
      if (!may) {
        await job.moveToDelayed(now().getTime() + parkMs, token);
        throw new DelayedError();
      }
      try {
        return await process(job, token);
      } finally {
        ended.push({ id, tenantId });
        schedule(0);
      }
    },
    close: async () => {
      state.closed = true;
      clearTimeout(timer);
      await round;
      if (ended.length > 0) await run();
    },
  };
}
