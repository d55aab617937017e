import type { QueueConnection } from '../redis/connections.ts';
import { script } from '../redis/script.ts';
import { tagsOfBand } from './bands.ts';
import { enterScript, tendScript } from './lua.ts';

const runTend = script<[more: number, dueInMs: number, revision: number]>(tendScript);
const runEnter = script<number[]>(enterScript);

/** How long a job rests in BullMQ's delayed set before it comes back by itself, should its lobby be lost. */
export const parkMs = 3_600_000;

/** Jobs of each priority that one call looks at: some 2 ms of Redis. */
const jobsOfCall = 500;

/** A job of a capped tenant that a worker has in hand. */
export interface CappedJob {
  id: string;
  tenantId: string;
  priority: number;
}

export interface Tending {
  /** Whose intakes are looked at. */
  priorities: readonly number[];
  /** Jobs that ran and run no more. */
  ended?: readonly Omit<CappedJob, 'priority'>[];
  /** Does nothing when somebody has done this so short a time ago, in milliseconds. Default 0: does it. */
  unlessWithinMs?: number;
  now: Date;
  /** Tags of a band. Default all. */
  widest?: number;
}

export interface Tended {
  /** There is more to do now. */
  more: boolean;
  /** When the next lobby is due, in milliseconds from now; null when none waits. */
  dueInMs: number | null;
  /** State of the limits in Redis; null when it has none. */
  revision: number | null;
}

/** Does a bounded part of what keeps the order of a queue. Any process may, at any time; none has to. */
export async function tendQueue({ queue, redis }: QueueConnection, tending: Tending): Promise<Tended> {
  const { priorities, ended = [], unlessWithinMs = 0, now, widest = tagsOfBand } = tending;
  const [more, dueInMs, revision] = await runTend(
    redis,
    [queue.toKey('prioritized'), queue.toKey('delayed')],
    [
      queue.toKey(''),
      now.getTime(),
      JSON.stringify(priorities),
      widest,
      jobsOfCall,
      unlessWithinMs,
      parkMs,
      ...ended.flatMap(({ id, tenantId }) => [id, tenantId]),
    ],
  );
  return { more: more === 1, dueInMs: dueInMs < 0 ? null : dueInMs, revision: revision < 0 ? null : revision };
}

/** Takes a slot for each job, in order; false for one that was put into the lobby of its tenant instead. */
export async function enterQueue(
  { queue, redis }: QueueConnection,
  jobs: readonly CappedJob[],
  now: Date,
): Promise<boolean[]> {
  const answers = await runEnter(
    redis,
    [queue.toKey('prioritized')],
    [queue.toKey(''), now.getTime(), ...jobs.flatMap(({ id, tenantId, priority }) => [id, tenantId, priority])],
  );
  return answers.map((answer) => answer === 1);
}
