import type { JobEvent, JobStatus, QueueName } from '@queue-service/contracts';
import type { JsonObject } from '../handler.ts';
import type { Connections } from '../redis/connections.ts';
import type { EndTold } from '../redis/shared-calls.ts';

/** What a worker tells of a job while it happens. `ended` says only that it did: whoever listens reads the job. */
export type PublishedEvent = Extract<JobEvent, { event: 'status' | 'progress' | 'log' }> | { event: 'ended' };

/**
 * For how many seconds after the last one an event is kept for those who come or come back. Not the end, which who comes
 * sees in the job itself, and the state only as long as a job that has just been read may be older.
 */
const keptSeconds = { status: 60, progress: 3_600, log: 3_600 };

/** One job is told of by so many events in one attempt; a handler that logs in a loop must not fill Redis. */
const MOST_EVENTS = 1_000;
const LONGEST_MESSAGE = 1_000;

/** The key of the list that keeps a job's events, and the channel on which each is told. */
export function eventsKey(prefix: string, jobId: string): string {
  return `${prefix}:job-told:${jobId}`;
}

const ended: PublishedEvent = { event: 'ended' };

/** How the Redis of a queue tells the end of a job, as a note without an id. */
export function endTold(prefix: string): EndTold {
  return { channelOf: (jobId) => eventsKey(prefix, jobId), message: ` ${JSON.stringify(ended)}` };
}

/** Tells of a job on the Redis of its queue. Never rejects: a lost event is caught up by the readers. */
export type PublishJobEvent = (queue: QueueName, jobId: string, event: PublishedEvent) => Promise<unknown>;

export function createPublishJobEvent(connections: Connections): PublishJobEvent {
  return async (queue, jobId, event) => {
    const { redis, prefix, note } = connections.of(queue);
    if (redis.status !== 'ready') return;
    const key = eventsKey(prefix, jobId);
    const told =
      event.event === 'ended'
        ? redis.publish(key, endTold(prefix).message)
        : note({ key, seconds: keptSeconds[event.event], text: JSON.stringify(event) });
    return told.catch(() => {});
  };
}

/** The events of one attempt. */
export interface AttemptEvents {
  status(status: JobStatus): void;
  progress(value: number | JsonObject): void;
  log(level: 'info' | 'warn' | 'error', message: string): void;
  /** The writing of what was told last, but for the state. An end that is told before it would close the streams. */
  readonly written: Promise<unknown> | null;
}

export function attemptEvents(
  publish: PublishJobEvent,
  job: { queue: QueueName; jobId: string; attempt: number; maxAttempts: number },
  now: () => Date,
): AttemptEvents {
  const { queue, jobId, attempt, maxAttempts } = job;
  let told = 0;
  let written: Promise<unknown> | null = null;
  const tell = (event: PublishedEvent) => {
    told += 1;
    if (told <= MOST_EVENTS) written = publish(queue, jobId, event);
  };
  const at = () => now().toISOString();
  return {
    get written() {
      return written;
    },
    status: (status) =>
      void publish(queue, jobId, { event: 'status', data: { status, attempt, maxAttempts, at: at() } }),
    progress: (value) => tell({ event: 'progress', data: { value: numbersOf(value), at: at() } }),
    log: (level, message) =>
      tell({ event: 'log', data: { level, message: message.slice(0, LONGEST_MESSAGE), at: at() } }),
  };
}

/** Texts may be personal: numbers and yes or no are what shows progress. */
function numbersOf(value: number | JsonObject): number | Record<string, number | boolean> {
  if (typeof value === 'number') return value;
  return Object.fromEntries(
    Object.entries(value).filter(
      (entry): entry is [string, number | boolean] => typeof entry[1] === 'number' || typeof entry[1] === 'boolean',
    ),
  );
}
