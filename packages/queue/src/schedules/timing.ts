import { CronDate, type CronExpression, CronExpressionParser } from 'cron-parser';

/** When a schedule fires: by `cron` in `timezone`, or every `everyMs` from `anchor` on. */
export interface Timing {
  readonly cron: string | null;
  readonly everyMs: number | null;
  /** IANA name. */
  readonly timezone: string;
  /** Nothing fires before; an interval fires at it. */
  readonly startsAt: Date | null;
  /** The last moment at which it may fire. */
  readonly endsAt: Date | null;
  /** What intervals are counted from where there is no `startsAt`: when the schedule was made. */
  readonly anchor: Date;
}

const hourMs = 3_600_000;

/**
 * The first fire after a moment; null when there is none any more.
 *
 * Daylight saving (fixed by tests, New York): a time that the clocks jump over fires as much later as they jump (02:30
 * becomes 03:30); a time that comes twice fires the first time, but hourly and more frequent ones fire all along.
 * @throws Error when the expression is not valid
 */
export function nextFire(timing: Timing, after: Date): Date | null {
  const { value } = fires(timing, after).next();
  return value ?? null;
}

/** All fires after a moment, in order; ends with the schedule. */
export function* fires(timing: Timing, after: Date): Generator<Date, undefined> {
  const from = Math.max(after.getTime(), (timing.startsAt?.getTime() ?? Number.NEGATIVE_INFINITY) - 1);
  const times = timing.cron === null ? intervalTimes(timing, from) : cronTimes(timing.cron, timing.timezone, from);
  for (const time of times) {
    if (timing.endsAt !== null && time > timing.endsAt.getTime()) return;
    yield new Date(time);
  }
}

/**
 * The last fire before `before` that is not before `notBefore`; null when there is none. Searched forwards from ever
 * further back, because a cron expression run backwards answers otherwise around a change of the clocks.
 */
export function lastFire(timing: Timing, before: Date, notBefore: Date): Date | null {
  for (let backMs = 60_000; ; backMs *= 8) {
    const start = Math.max(before.getTime() - backMs, notBefore.getTime());
    let last: Date | null = null;
    for (const time of fires(timing, new Date(start - 1))) {
      if (time >= before) break;
      last = time;
    }
    if (last !== null || start <= notBefore.getTime()) return last;
  }
}

function* intervalTimes(timing: Timing, after: number): Generator<number, undefined> {
  const everyMs = timing.everyMs as number;
  const anchor = (timing.startsAt ?? timing.anchor).getTime();
  // Without a start the first fire is one interval after the schedule was made, not at once.
  const first = timing.startsAt === null ? 1 : 0;
  for (let n = Math.max(first, Math.floor((after - anchor) / everyMs) + 1); ; n += 1) yield anchor + n * everyMs;
}

function* cronTimes(cron: string, timezone: string, after: number): Generator<number, undefined> {
  const expression = CronExpressionParser.parse(cron, { tz: timezone, currentDate: new Date(after) });
  expression.reset(new Date(safeStart(expression, timezone, after)));
  for (;;) {
    const time = nextTime(expression);
    if (time === null) return;
    if (time > after) yield time;
  }
}

/** Null when an expression finds no date within cron-parser's bounds, such as 30 February. */
function nextTime(expression: CronExpression): number | null {
  try {
    return expression.next().getTime();
  } catch {
    return null;
  }
}

/**
 * Where to begin so that what follows is right. cron-parser remembers within one walk that it crossed a change of the
 * clocks; begun in the hour after one, it fires 01:30 a second time in autumn and forgets 03:30 in spring. So within that
 * hour the walk begins just before the change. Expressions for every hour need none of this.
 */
function safeStart(expression: CronExpression, timezone: string, after: number): number {
  if (expression.fields.hour.values.length === 24) return after;
  const before = offsetMs(timezone, after - 3 * hourMs);
  const now = offsetMs(timezone, after);
  if (before === now) return after;
  let low = after - 3 * hourMs;
  let high = after;
  while (high - low > 1_000) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(timezone, middle) === before) low = middle;
    else high = middle;
  }
  const change = Math.floor(high / 1_000) * 1_000;
  return after < change + Math.abs(now - before) ? change - 1_000 : after;
}

/** How far the zone's clocks are ahead of UTC. */
function offsetMs(timezone: string, at: number): number {
  return new CronDate(at, timezone).getUTCOffset() * 60_000;
}
