import { type QueueName, queueNames } from '@queue-service/contracts';
import {
  countMissedFires,
  findUndispatched,
  groupOpenDeadLetters,
  groupOpenOutcomes,
  type IncidentKind,
  type NewIncident,
  readProgress,
  type Sql,
} from '@queue-service/persistence';

/** From when on something is an incident. Times in milliseconds. */
export interface TroubleLimits {
  /** Open dead letters of a queue other than money; those of money are told at once. */
  deadLetterCount: number;
  /** Or one of this age. */
  deadLetterAgeMs: number;
  /** No job of the queue ended for this long while one waited. Longer than its jobs usually take. */
  noProgressMs: Readonly<Record<QueueName, number>>;
  /** A queue whose state could not be read for this long. */
  unreadMs: number;
  /** A stored money job that Redis does not know this long after it was due. */
  relayLagMs: number;
  /** A job that is over but for an effect of which its provider cannot tell for this long. */
  openOutcomeMs: number;
  /** From then on somebody is woken. */
  openOutcomeCriticalMs: number;
  /** How long a missed schedule is told of. */
  newsMs: number;
}

const minute = 60_000;

export const troubleLimits: TroubleLimits = {
  deadLetterCount: 10,
  deadLetterAgeMs: 24 * 60 * minute,
  // A report may take its 10 minutes.
  noProgressMs: { money: 2 * minute, communication: 2 * minute, background: 11 * minute },
  unreadMs: 2 * minute,
  relayLagMs: minute,
  // Longer than a request can be under way, or a transaction be valid. What takes longer is a bank, or a fault.
  openOutcomeMs: 60 * minute,
  openOutcomeCriticalMs: 24 * 60 * minute,
  newsMs: 60 * minute,
};

/** Kinds that {@link findTrouble} alone opens and closes. */
export const watchedKinds: ReadonlySet<IncidentKind> = new Set([
  'money_dead_letter',
  'dead_letters',
  'no_progress',
  'relay_lag',
  'outcome_open',
  'schedule_missed',
]);

/** What is wrong now, as far as PostgreSQL tells. */
export async function findTrouble(
  sql: Sql,
  limits: TroubleLimits,
  leadsSince: Date,
  now: Date,
): Promise<NewIncident[]> {
  return [
    ...(await deadLetters(sql, limits, now)),
    ...(await stillQueues(sql, limits, leadsSince, now)),
    ...(await lateRelay(sql, limits, now)),
    ...(await openOutcomes(sql, limits, now)),
    ...(await missedSchedules(sql, limits, now)),
  ];
}

async function deadLetters(sql: Sql, limits: TroubleLimits, now: Date): Promise<NewIncident[]> {
  const groups = await groupOpenDeadLetters(sql);
  const money = groups
    .filter(({ queue }) => queue === 'money')
    .map(
      ({ type, code, count, oldest }): NewIncident => ({
        key: `money_dead_letter:${type}:${code}`.slice(0, 200),
        kind: 'money_dead_letter',
        severity: 'critical',
        summary: `${counted(count, 'money job')} of type ${type} died with ${code}`,
        details: { type, code, count, oldest: oldest.toISOString() },
      }),
    );
  const others = queueNames.flatMap((queue): NewIncident[] => {
    const own = groups.filter((group) => group.queue === queue);
    const count = own.reduce((sum, group) => sum + group.count, 0);
    if (queue === 'money' || count === 0) return [];
    const oldest = new Date(Math.min(...own.map((group) => group.oldest.getTime())));
    if (count < limits.deadLetterCount && now.getTime() - oldest.getTime() < limits.deadLetterAgeMs) return [];
    const [most] = own.toSorted((a, b) => b.count - a.count);
    return [
      {
        key: `dead_letters:${queue}`,
        kind: 'dead_letters',
        severity: 'warning',
        summary: `${counted(count, 'dead letter')} of the queue ${queue}, most of type ${most?.type} with ${most?.code}`,
        details: { queue, count, oldest: oldest.toISOString() },
      },
    ];
  });
  return [...money, ...others];
}

async function stillQueues(sql: Sql, limits: TroubleLimits, leadsSince: Date, now: Date): Promise<NewIncident[]> {
  const asked = queueNames.map((queue) => ({ queue, withinMs: limits.noProgressMs[queue] }));
  const measuredSince = now.getTime() - limits.unreadMs;
  return (await readProgress(sql, asked, now)).flatMap((state): NewIncident[] => {
    const queue = state.queue as QueueName;
    const incident = { key: `no_progress:${queue}`, kind: 'no_progress', severity: 'critical' } as const;
    if ((state.capturedAt?.getTime() ?? 0) < measuredSince) {
      // An old capture says nothing of a queue that nobody could have captured since.
      if (leadsSince.getTime() > measuredSince) return [];
      const summary = `The state of the queue ${queue} cannot be read: its Redis does not answer`;
      return [{ ...incident, summary, details: { queue, since: state.capturedAt?.toISOString() ?? null } }];
    }
    const { waiting, active, oldestWaitingMs, ended, paused } = state;
    if (paused || waiting === 0 || ended > 0 || oldestWaitingMs < limits.noProgressMs[queue]) return [];
    const minutes = Math.floor(oldestWaitingMs / minute);
    const summary = `Nothing of the queue ${queue} ended while ${counted(waiting, 'job')} waited, the oldest for ${minutes} min`;
    return [{ ...incident, summary, details: { queue, waiting, active, oldestWaitingMs } }];
  });
}

async function lateRelay(sql: Sql, limits: TroubleLimits, now: Date): Promise<NewIncident[]> {
  const [oldest] = await findUndispatched(sql, limits.relayLagMs, 1);
  if (oldest === undefined) return [];
  const lagMs = now.getTime() - oldest.runAt.getTime();
  return [
    {
      key: 'relay_lag',
      kind: 'relay_lag',
      severity: 'critical',
      summary: `Accepted money jobs do not get into Redis, the oldest for ${Math.floor(lagMs / 1_000)} s`,
      details: { jobId: oldest.id, dueAt: oldest.runAt.toISOString() },
    },
  ];
}

async function openOutcomes(sql: Sql, limits: TroubleLimits, now: Date): Promise<NewIncident[]> {
  const groups = await groupOpenOutcomes(sql, new Date(now.getTime() - limits.openOutcomeMs));
  return groups.map(({ type, count, oldest }): NewIncident => {
    const ageMs = now.getTime() - oldest.getTime();
    return {
      key: `outcome_open:${type}`.slice(0, 200),
      kind: 'outcome_open',
      severity: ageMs < limits.openOutcomeCriticalMs ? 'warning' : 'critical',
      summary: `${counted(count, 'job')} of type ${type} cannot end: their provider does not tell what became of an effect, of the oldest for ${Math.floor(ageMs / 3_600_000)} h`,
      details: { type, count, oldest: oldest.toISOString() },
    };
  });
}

async function missedSchedules(sql: Sql, limits: TroubleLimits, now: Date): Promise<NewIncident[]> {
  const { count, schedules, earliest } = await countMissedFires(sql, new Date(now.getTime() - limits.newsMs));
  if (count === 0) return [];
  return [
    {
      key: 'schedule_missed',
      kind: 'schedule_missed',
      severity: 'warning',
      summary: `${counted(count, 'time')} of ${counted(schedules, 'schedule')} passed without a run`,
      details: { count, schedules, earliest: earliest?.toISOString() ?? null },
    },
  ];
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
