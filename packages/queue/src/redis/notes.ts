import { coalesce } from '../coalesce.ts';
import type { RedisClient } from './client.ts';
import { script } from './script.ts';

/** A text with an id that grows, told on the channel `key` and kept in the list `key` until so many seconds after the last. */
export interface Note {
  key: string;
  seconds: number;
  text: string;
}

export type WriteNote = (note: Note) => Promise<unknown>;

/** How many texts a list keeps. */
const mostKept = 500;

/**
 * Kept and told in one step, so that who reads first and listens then, or the other way round, misses none. A list, with
 * ids as a stream would give them: Redis takes ten times as long to make a stream, and 4 KiB for each.
 */
const writeAll = script<null>(`
local most = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for index, key in ipairs(KEYS) do
  local seconds, text = ARGV[2 * index], ARGV[2 * index + 1]
  local ms, count = now, 0
  local last = redis.call('LINDEX', key, -1)
  if last then
    local lastMs, lastCount = string.match(last, '^(%d+)-(%d+) ')
    if tonumber(lastMs) >= ms then ms, count = tonumber(lastMs), lastCount + 1 end
  end
  local told = string.format('%.0f-%d %s', ms, count, text)
  if redis.call('RPUSH', key, told) > most then redis.call('LTRIM', key, -most, -1) end
  if redis.call('TTL', key) < tonumber(seconds) then redis.call('EXPIRE', key, seconds) end
  redis.call('PUBLISH', key, told)
end
`);

/** Notes of one tick share a call; one call at a time keeps those of a job in their order. */
export function createNotes(redis: RedisClient): WriteNote {
  return coalesce(
    async (notes: Note[]) => {
      const keys = notes.map(({ key }) => key);
      await writeAll(redis, keys, [mostKept, ...notes.flatMap(({ seconds, text }) => [seconds, text])]);
      return notes;
    },
    { maxBatch: 200, maxInFlight: 1 },
  );
}
