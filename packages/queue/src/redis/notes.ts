import { coalesce } from '../coalesce.ts';
import type { RedisClient } from './client.ts';
import { script } from './script.ts';

/** What is written of a job in passing. */
export type Note =
  /** A field of the job's hash, if there is one: a hash of marks alone would stay, and keep the job from being added again. */
  | { kind: 'mark'; key: string; field: string; value: string }
  /** A message on the channel `key`. */
  | { kind: 'tell'; key: string; text: string }
  /** The same with an id that grows, kept in the list `key` until so many seconds after the last. */
  | { kind: 'keep'; key: string; seconds: number; text: string };

/** Resolves to whether it was written: a mark of a job that is gone is not. */
export type WriteNote = (note: Note) => Promise<boolean>;

/** How many texts a list keeps. */
const mostKept = 500;

/**
 * Kept and told in one step, so that who reads first and listens then, or the other way round, misses none. A list, with
 * ids as a stream would give them: Redis takes ten times as long to make a stream, and 4 KiB for each.
 */
const writeAll = script<number[]>(`
local most = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local written = {}
for index, key in ipairs(KEYS) do
  local kind, with, text = ARGV[3 * index - 1], ARGV[3 * index], ARGV[3 * index + 1]
  written[index] = 1
  if kind == 'mark' then
    written[index] = redis.call('HEXISTS', key, 'timestamp')
    if written[index] == 1 then redis.call('HSET', key, with, text) end
  elseif kind == 'tell' then
    redis.call('PUBLISH', key, ' ' .. text)
  else
    local ms, count = now, 0
    local last = redis.call('LINDEX', key, -1)
    if last then
      local lastMs, lastCount = string.match(last, '^(%d+)-(%d+) ')
      if tonumber(lastMs) >= ms then ms, count = tonumber(lastMs), lastCount + 1 end
    end
    local told = string.format('%.0f-%d %s', ms, count, text)
    if redis.call('RPUSH', key, told) > most then redis.call('LTRIM', key, -most, -1) end
    if redis.call('TTL', key) < tonumber(with) then redis.call('EXPIRE', key, with) end
    redis.call('PUBLISH', key, told)
  end
end
return written
`);

function argumentsOf(note: Note): (string | number)[] {
  switch (note.kind) {
    case 'mark':
      return [note.kind, note.field, note.value];
    case 'tell':
      return [note.kind, '', note.text];
    case 'keep':
      return [note.kind, note.seconds, note.text];
  }
}

/** Notes of one tick share a call; one call at a time keeps those of a job in their order. */
export function createNotes(redis: RedisClient): WriteNote {
  return coalesce(
    async (notes: Note[]) => {
      const keys = notes.map(({ key }) => key);
      const written = await writeAll(redis, keys, [mostKept, ...notes.flatMap(argumentsOf)]);
      return written.map((one) => one === 1);
    },
    { maxBatch: 200, maxInFlight: 1 },
  );
}
