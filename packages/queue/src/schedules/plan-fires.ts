import type { CatchUpPolicy, OverlapPolicy } from '@queue-service/contracts';
import { fires, lastFire, nextFire, type Timing } from './timing.ts';

/** What a due schedule is decided from. */
export interface DueSchedule extends Timing {
  readonly nextRun: Date;
  readonly overlap: OverlapPolicy;
  readonly catchUp: CatchUpPolicy;
  readonly catchUpWindowMs: number;
}

/** What goes on of its earlier fires. */
export interface FiresUnderWay {
  /** The job of the last fire has not ended. */
  readonly busy: boolean;
  /** Fires that wait for it. */
  readonly queued: number;
}

export interface PlannedFire {
  readonly fireAt: Date;
  readonly status: 'due' | 'queued' | 'skipped' | 'missed';
  readonly reason: string | null;
  /** Its time passed while nobody was there. */
  readonly late: boolean;
}

/**
 * How late a fire may be and still count as on time: above what a change of leaders (15 s) or a lost Redis (10 s) costs,
 * so that neither of them makes a fire a missed one.
 */
export const onTimeMs = 30_000;

/** Fires decided in one go; the rest follows in the next, so that no transaction grows with how long all was down. */
const maxFires = 500;
/** Left-out times that are recorded one by one. */
const maxMissed = 100;

/**
 * What becomes of every time from `nextRun` until now, and when the next one is. Times up to {@link onTimeMs} ago are on
 * time. Of the older ones `none` fires none, `last` the newest within the window unless an on-time fire makes up for
 * them, `all` each within the window. A late fire that overlaps waits instead of being skipped: `all` means all.
 */
export function planFires(
  schedule: DueSchedule,
  now: Date,
  underWay: FiresUnderWay,
): { fires: PlannedFire[]; nextRun: Date | null } {
  const { missed, taken, nextRun } =
    schedule.catchUp === 'all' ? catchUpAll(schedule, now) : catchUpSome(schedule, now);
  return { fires: [...missed, ...withoutOverlap(taken, schedule.overlap, underWay)], nextRun };
}

interface Times {
  missed: PlannedFire[];
  taken: { fireAt: Date; late: boolean }[];
  nextRun: Date | null;
}

function catchUpAll(schedule: DueSchedule, now: Date): Times {
  const windowStart = new Date(now.getTime() - Math.max(schedule.catchUpWindowMs, onTimeMs));
  const missed =
    schedule.nextRun < windowStart
      ? [left(schedule.nextRun, `older than the catch-up window, like all times before ${windowStart.toISOString()}`)]
      : [];
  const taken: Times['taken'] = [];
  for (const fireAt of fires(schedule, justBefore(later(schedule.nextRun, windowStart)))) {
    if (fireAt > now || taken.length === maxFires) return { missed, taken, nextRun: fireAt };
    taken.push({ fireAt, late: isLate(fireAt, now) });
  }
  return { missed, taken, nextRun: null };
}

function catchUpSome(schedule: DueSchedule, now: Date): Times {
  const onTimeStart = new Date(now.getTime() - onTimeMs);
  const taken: Times['taken'] = [];
  for (const fireAt of fires(schedule, justBefore(later(schedule.nextRun, onTimeStart)))) {
    if (fireAt > now) break;
    taken.push({ fireAt, late: false });
  }
  const nextRun = nextFire(schedule, now);
  if (schedule.nextRun >= onTimeStart) return { missed: [], taken, nextRun };

  const missed = missedTimes(schedule, onTimeStart);
  const wanted =
    schedule.catchUp === 'last' && taken.length === 0 ? lastFire(schedule, onTimeStart, schedule.nextRun) : null;
  if (wanted === null || wanted.getTime() < now.getTime() - schedule.catchUpWindowMs) return { missed, taken, nextRun };
  return {
    missed: missed.filter(({ fireAt }) => fireAt.getTime() !== wanted.getTime()),
    taken: [{ fireAt: wanted, late: true }],
    nextRun,
  };
}

/** The times from `nextRun` that are left out; after {@link maxMissed} the last of them stands for the rest. */
function missedTimes(schedule: DueSchedule, until: Date): PlannedFire[] {
  const missed: PlannedFire[] = [];
  for (const fireAt of fires(schedule, justBefore(schedule.nextRun))) {
    if (fireAt >= until) break;
    if (missed.length === maxMissed) {
      const last = missed.pop() as PlannedFire;
      missed.push(left(last.fireAt, `passed while nobody was there, like all times before ${until.toISOString()}`));
      break;
    }
    missed.push(left(fireAt, 'passed while nobody was there'));
  }
  return missed;
}

function withoutOverlap(taken: Times['taken'], overlap: OverlapPolicy, underWay: FiresUnderWay): PlannedFire[] {
  let { busy, queued } = underWay;
  return taken.map(({ fireAt, late }) => {
    if (overlap === 'allow' || (!busy && queued === 0)) {
      busy = true;
      return { fireAt, late, status: 'due', reason: null };
    }
    if (late || (overlap === 'queue-one' && queued === 0)) {
      queued += 1;
      return { fireAt, late, status: 'queued', reason: 'waits for the job of the fire before it' };
    }
    return { fireAt, late, status: 'skipped', reason: 'the job of the fire before it had not ended' };
  });
}

const left = (fireAt: Date, reason: string): PlannedFire => ({ fireAt, status: 'missed', reason, late: true });
const isLate = (fireAt: Date, now: Date) => fireAt.getTime() < now.getTime() - onTimeMs;
/** The later of the two: where the times begin that count. */
const later = (nextRun: Date, start: Date) => (nextRun > start ? nextRun : start);
/** So that a fire at exactly this moment comes first. */
const justBefore = (moment: Date) => new Date(moment.getTime() - 1);
