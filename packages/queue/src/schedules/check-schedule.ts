import {
  type CatchUpPolicy,
  type CreateSchedule,
  contractOf,
  day,
  type FieldProblem,
  fieldProblems,
  isJobType,
  type JobType,
  jobTypes,
  type OverlapPolicy,
} from '@queue-service/contracts';
import { CronExpressionParser } from 'cron-parser';
import { nextFire, type Timing } from './timing.ts';

/** A schedule with its defaults filled in and its payload checked. */
export interface CheckedSchedule extends Omit<Timing, 'anchor'> {
  name: string;
  type: JobType;
  data: Record<string, unknown>;
  options: NonNullable<CreateSchedule['options']>;
  active: boolean;
  overlap: OverlapPolicy;
  catchUp: CatchUpPolicy;
  catchUpWindowMs: number;
  jitterMs: number;
}

/**
 * Everything that is wrong with a schedule at once, or the schedule as it is to be kept.
 * @param options.mustFire whether one that has no time left is refused. Default true
 */
export function checkSchedule(
  input: CreateSchedule,
  now: Date,
  options: { mustFire?: boolean } = {},
): { ok: true; schedule: CheckedSchedule } | { ok: false; problems: FieldProblem[] } {
  const problems: FieldProblem[] = [];
  const refuse = (path: string, message: string) => problems.push({ path, message, code: 'custom' });

  const timing: Omit<Timing, 'anchor'> = {
    cron: input.cron ?? null,
    everyMs: input.everyMs ?? null,
    timezone: input.timezone ?? 'UTC',
    startsAt: dateOf(input.startsAt),
    endsAt: dateOf(input.endsAt),
  };
  problems.push(...timingProblems(timing, now, options.mustFire ?? true));
  let data = input.data;
  if (!isJobType(input.type)) {
    refuse('type', `is not a job type; known are ${jobTypes.join(', ')}`);
  } else {
    const contract = contractOf(input.type);
    if (input.queue !== undefined && input.queue !== contract.queue) {
      refuse('queue', `must be ${contract.queue}, the queue of ${input.type}`);
    }
    const payload = contract.payload.safeParse(input.data);
    if (payload.success) data = payload.data;
    else problems.push(...fieldProblems(payload.error, ['data']));
  }
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    schedule: {
      ...timing,
      name: input.name,
      type: input.type as JobType,
      data,
      options: input.options ?? {},
      active: input.active ?? true,
      overlap: input.overlap ?? 'skip',
      catchUp: input.catchUp ?? 'last',
      catchUpWindowMs: input.catchUpWindowMs ?? day,
      jitterMs: input.jitterMs ?? 0,
    },
  };
}

function dateOf(text: string | null | undefined): Date | null {
  return text === null || text === undefined ? null : new Date(text);
}

function timingProblems(timing: Omit<Timing, 'anchor'>, now: Date, mustFire: boolean): FieldProblem[] {
  const problem = (path: string, message: string): FieldProblem => ({ path, message, code: 'custom' });
  const problems: FieldProblem[] = [];
  if ((timing.cron === null) === (timing.everyMs === null)) {
    problems.push(problem('cron', 'exactly one of cron and everyMs is required'));
  }
  if (!isTimezone(timing.timezone))
    problems.push(problem('timezone', 'is not an IANA time zone such as Europe/Zurich'));
  else if (timing.cron !== null) {
    const wrong = cronProblem(timing.cron, timing.timezone);
    if (wrong !== null) problems.push(problem('cron', wrong));
  }
  if (timing.startsAt !== null && timing.endsAt !== null && timing.endsAt <= timing.startsAt) {
    problems.push(problem('endsAt', 'is not after startsAt'));
  }
  if (mustFire && problems.length === 0 && nextFire({ ...timing, anchor: now }, now) === null) {
    problems.push(
      problem(timing.endsAt === null ? 'cron' : 'endsAt', 'leaves no time at which the schedule would fire'),
    );
  }
  return problems;
}

function isTimezone(name: string): boolean {
  // Intl takes offsets too, which know nothing of daylight saving.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Null when the expression is good. cron-parser alone would take fewer fields, and names that change at each parse. */
function cronProblem(cron: string, timezone: string): string | null {
  const fields = cron.trim().split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) return `has ${fields.length} fields instead of 5 or 6`;
  if (fields.some((field) => /(^|[,/-])H($|[,/(-])/i.test(field))) return 'uses H, which has no fixed meaning';
  try {
    CronExpressionParser.parse(cron, { tz: timezone });
    return null;
  } catch (error) {
    return `is not a cron expression: ${(error as Error).message}`;
  }
}
