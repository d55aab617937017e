import type { Logger } from '@queue-service/observability';
import { type Database, renewLeases } from '@queue-service/persistence';
import { createWhileRunning } from '../while-running.ts';

/** Milliseconds. */
export interface LeaseTiming {
  /**
   * A lease outlives several missed renewals; after it, another worker may take the job. Together with the lock of
   * BullMQ it decides how long a job of a killed worker rests.
   */
  leaseMs: number;
  /** Also how soon a cancel reaches a running job. */
  renewEveryMs: number;
}

export const leaseTiming: LeaseTiming = { leaseMs: 10_000, renewEveryMs: 1_500 };

export interface LeaseEvents {
  lost(): void;
  cancelRequested(): void;
}

/** Renews all leases of this process with one statement a tick. Promises to tell a lost lease within `leaseMs`. */
export interface Leases {
  hold(claim: { id: string; fencing: number }, events: LeaseEvents): () => void;
  close(): void;
}

export function keepLeases(db: Database, log: Logger, { leaseMs, renewEveryMs }: LeaseTiming): Leases {
  const held = createWhileRunning<{ fencing: number; renewedAt: number; events: LeaseEvents }>();
  let renewing = false;

  const tick = async () => {
    if (renewing || held.size === 0) return;
    renewing = true;
    const asked = held.entries().map(([id, { fencing }]) => ({ id, fencing }));
    const startedAt = performance.now();
    try {
      const kept = new Map((await renewLeases(db, asked, leaseMs)).map((lease) => [lease.id, lease]));
      for (const { id, fencing } of asked) {
        const entry = held.get(id);
        if (entry?.fencing !== fencing) continue;
        const lease = kept.get(id);
        if (lease === undefined) entry.events.lost();
        else entry.renewedAt = startedAt;
        if (lease?.cancelRequested) entry.events.cancelRequested();
      }
    } catch (error) {
      log.warn({ err: error, held: held.size }, 'Leases could not be renewed');
    } finally {
      renewing = false;
    }
    // Without an answer the lease may be over by the clock of the database: act as if it were.
    for (const [, entry] of held.entries()) if (performance.now() - entry.renewedAt > leaseMs) entry.events.lost();
  };
  const timer = setInterval(tick, renewEveryMs);
  timer.unref();

  return {
    hold: ({ id, fencing }, events) => held.add(id, { fencing, renewedAt: performance.now(), events }),
    close: () => clearInterval(timer),
  };
}
