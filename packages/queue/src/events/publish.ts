import type { JobEvent, JobStatus, QueueName } from '@queue-service/contracts';
import { coalesce } from '../coalesce.ts';
import type { JsonObject } from '../handler.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Connections } from '../redis/connections.ts';
import { script } from '../redis/script.ts';

/** What a worker tells of a job while it happens. `ended` says only that it did: whoever listens reads the job. */
export type PublishedEvent = Extract<JobEvent, { event: 'status' | 'progress' | 'log' }> | { event: 'ended' };

/** How many events of a job are kept for those who come or come back. */
const KEPT_EVENTS = 500;
/** For how long after the last one. What tells only the state can be read from the job itself. */
const KEPT_SECONDS = { status: 60, ended: 60, progress: 3_600, log: 3_600 };

/** One job is told of by so many events in one attempt; a handler that logs in a loop must not fill Redis. */
const MOST_EVENTS = 1_000;
const LONGEST_MESSAGE = 1_000;

/** The key of the list that keeps a job's events, and the channel on which each is told. */
export function eventsKey(prefix: string, jobId: string): string {
  return `${prefix}:job-told:${jobId}`;
}

/**
 * Kept and told in one step, so that who reads first and listens then, or the other way round, misses none. A list, with
 * ids as a stream would give them: Redis takes ten times as long to make a stream, and 4 KiB for each.
 */
const tellAll = script(`
local most = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for index, key in ipairs(KEYS) do
  local seconds, event = tonumber(ARGV[2 * index]), ARGV[2 * index + 1]
  local ms, count = now, 0
  local last = redis.call('LINDEX', key, -1)
  if last then
    local lastMs, lastCount = string.match(last, '^(%d+)-(%d+) ')
    if tonumber(lastMs) >= ms then ms, count = tonumber(lastMs), lastCount + 1 end
  end
  local told = string.format('%.0f-%d %s', ms, count, event)
  if redis.call('RPUSH', key, told) > most then redis.call('LTRIM', key, -most, -1) end
  if redis.call('TTL', key) < seconds then redis.call('EXPIRE', key, seconds) end
  redis.call('PUBLISH', key, told)
end
`);

/** Events of many jobs share a call; one call at a time keeps those of a job in their order. */
const together = { maxBatch: 200, maxInFlight: 1 };

/** Tells of a job on the Redis of its queue. Never waits and never fails: a lost event is caught up by the readers. */
export type PublishJobEvent = (queue: QueueName, jobId: string, event: PublishedEvent) => void;

export function createPublishJobEvent(connections: Connections): PublishJobEvent {
  type Told = { key: string; seconds: number; text: string };
  const lines = new Map<RedisClient, (told: Told) => Promise<unknown>>();
  const lineOf = (redis: RedisClient) => {
    const known = lines.get(redis);
    if (known !== undefined) return known;
    const made = coalesce(async (told: Told[]) => {
      const keys = told.map(({ key }) => key);
      await tellAll(redis, keys, [KEPT_EVENTS, ...told.flatMap(({ seconds, text }) => [seconds, text])]);
      return told;
    }, together);
    lines.set(redis, made);
    return made;
  };
  return (queue, jobId, event) => {
    const { redis, prefix } = connections.of(queue);
    if (redis.status !== 'ready') return;
    const seconds = KEPT_SECONDS[event.event];
    lineOf(redis)({ key: eventsKey(prefix, jobId), seconds, text: JSON.stringify(event) }).catch(() => {});
  };
}

/** The events of one attempt. */
export interface AttemptEvents {
  status(status: JobStatus): void;
  progress(value: number | JsonObject): void;
  log(level: 'info' | 'warn' | 'error', message: string): void;
  ended(): void;
}

export function attemptEvents(
  publish: PublishJobEvent,
  job: { queue: QueueName; jobId: string; attempt: number; maxAttempts: number },
  now: () => Date,
): AttemptEvents {
  const { queue, jobId, attempt, maxAttempts } = job;
  let told = 0;
  const tell = (event: PublishedEvent) => {
    told += 1;
    if (told <= MOST_EVENTS) publish(queue, jobId, event);
  };
  const at = () => now().toISOString();
  return {
    status: (status) => publish(queue, jobId, { event: 'status', data: { status, attempt, maxAttempts, at: at() } }),
    progress: (value) => tell({ event: 'progress', data: { value: numbersOf(value), at: at() } }),
    log: (level, message) =>
      tell({ event: 'log', data: { level, message: message.slice(0, LONGEST_MESSAGE), at: at() } }),
    ended: () => publish(queue, jobId, { event: 'ended' }),
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
