import {
  type BackendFactory,
  createRedisBackend,
  type JobsOptions,
  type Queue,
  type RedisClient,
  type RedisQueueBackend,
  type WorkerOptions,
} from 'bullmq';
import { addDelayedJob } from 'bullmq/dist/esm/scripts/addDelayedJob-6.js';
import { addPrioritizedJob } from 'bullmq/dist/esm/scripts/addPrioritizedJob-9.js';
import { addStandardJob } from 'bullmq/dist/esm/scripts/addStandardJob-9.js';
import { moveStalledJobsToWait } from 'bullmq/dist/esm/scripts/moveStalledJobsToWait-9.js';
import { moveToFinished } from 'bullmq/dist/esm/scripts/moveToFinished-14.js';
import type { Redis } from 'ioredis';
import { coalesce } from '../coalesce.ts';
import { script } from './script.ts';

type Argument = string | number | Buffer;
type Script = { content: string; keys: number };
type Entries = Parameters<RedisQueueBackend['addJobs']>[0];

/**
 * BullMQ's own script, once for each job of a call. One that fails does not take the others with it: its error is its
 * reply.
 * @param width how many arguments there are besides the keys; one that is missing is sent empty
 * @param each Lua that changes `keys`, which are those of the first job, and `args` for each job
 * @param after Lua that is run for each job with its `reply`, and must not fail: what it follows is done
 * @returns takes keys and arguments of each job, as BullMQ gives them
 */
function repeated({ content, keys }: Script, width: number, each = '', after = '') {
  const run = script<unknown[]>(`
local function one(KEYS, ARGV)
${content}
end
local replies = {}
for at = 1, #ARGV, ${width} do
  local keys, args = {unpack(KEYS)}, {}
  for index = 1, ${width} do args[index] = ARGV[at + index - 1] end
  ${each}
  local done, reply = pcall(one, keys, args)
  if not done then reply = {err = type(reply) == 'table' and reply.err or tostring(reply)} end
  ${after}
  replies[#replies + 1] = reply
end
return replies`);
  return (redis: Redis, calls: readonly Argument[][]) =>
    run(
      redis,
      (calls[0] ?? []).slice(0, keys) as string[],
      calls.flatMap((call) => Array.from({ length: width }, (_, index) => call[keys + index] ?? '')),
    );
}

const adders = {
  addStandardJob: repeated(addStandardJob, 3),
  addPrioritizedJob: repeated(addPrioritizedJob, 3),
  addDelayedJob: repeated(addDelayedJob, 3),
};

/**
 * Three of its keys differ by job; they are made of its arguments, the seventh of which is what all keys begin with. The
 * tenth and eleventh are ours: the channel and the message that tell of the end.
 */
const endAll = repeated(
  moveToFinished,
  11,
  `keys[11], keys[12], keys[13] = args[7] .. args[5], args[7] .. args[1], args[7] .. 'metrics:' .. args[5]
  if args[9] == '' then args[9] = nil end`,
  `if args[10] ~= '' and done and (type(reply) ~= 'number' or reply >= 0) then redis.pcall('PUBLISH', args[10], args[11]) end`,
);

/** Who ran a job that is offered again is noted before the name of the next worker takes its place. */
const offerStalled = script<string[]>(`
local function offer(KEYS, ARGV)
${moveStalledJobsToWait.content}
end
local stalled = offer(KEYS, ARGV)
for _, id in ipairs(stalled) do
  local worker, since = unpack(redis.call('HMGET', ARGV[2] .. id, 'pb', 'processedOn'))
  if worker and since then redis.call('HSET', ARGV[2] .. id, 'ranBy', worker, 'ranSince', since) end
end
return stalled`);

/** Fields of a job that {@link offerStalled} writes: the worker that ran it last, and since when (epoch milliseconds). */
export const ranFields = ['ranBy', 'ranSince'] as const;

/** How Redis tells that a job has ended, in the step that ends it: nobody hears of it too early, and no crash comes in between. */
export interface EndTold {
  channelOf(jobId: string): string;
  message: string;
}

/** One call holds up the server for some milliseconds at most. */
const mostOfCall = 100;
const mostEnds = 20;

/**
 * BullMQ on Redis, with many jobs in a call: those that are added together, and those that end close together.
 * A call for each job costs a process and the server more than what is done in it.
 */
export function sharedCalls(told?: EndTold): BackendFactory<RedisQueueBackend> {
  return (name, opts, options) => shareCalls(createRedisBackend(name, opts, options), opts, told);
}

function shareCalls(backend: RedisQueueBackend, opts: object, told: EndTold | undefined): RedisQueueBackend {
  const one = backend.execCommand.bind(backend);
  const connected = async () => (await backend.client) as unknown as Redis;

  // All that run in one call, and process and server would wait for each other in turns.
  const { concurrency = 1 } = opts as Partial<WorkerOptions>;
  const maxBatch = Math.min(Math.ceil(concurrency / 2), mostEnds);
  const end = coalesce(async (ends: Argument[][]) => endAll(await connected(), ends), { maxBatch, maxInFlight: 4 });
  const telling = (args: Argument[]) =>
    told === undefined ? args : [...args, told.channelOf(String(args[moveToFinished.keys])), told.message];

  const offer = async (args: Argument[]) => {
    const { keys } = moveStalledJobsToWait;
    return offerStalled(await connected(), args.slice(0, keys) as string[], args.slice(keys));
  };

  /** Where BullMQ would send a job it is gathered. */
  const addTogether = async (entries: Entries): Promise<string[]> => {
    const calls = new Map<keyof typeof adders, { of: number[]; args: Argument[][] }>();
    await Promise.all(
      entries.map(({ job, jobId, parentKeyOpts }, index) => {
        const gather = {
          runCommand: (versioned: string, args: Argument[]) => {
            const command = versioned.split(':', 1)[0] as keyof typeof adders;
            const call = calls.get(command) ?? { of: [], args: [] };
            calls.set(command, call);
            call.of.push(index);
            call.args.push(args);
          },
        } as unknown as RedisClient;
        return backend.addJobToTransaction(gather, job, jobId, parentKeyOpts);
      }),
    );
    const ids: string[] = [];
    for (const [command, { of, args }] of calls) {
      const replies = await adders[command](await connected(), args);
      replies.forEach((reply, position) => {
        ids[of[position] as number] = idOf(reply);
      });
    }
    return ids;
  };

  return Object.assign(backend, {
    execCommand: (client: RedisClient, command: string, args: Argument[]) => {
      if (command === moveToFinished.name) return end(telling(args)).then(answered);
      if (command === moveStalledJobsToWait.name) return offer(args);
      return one(client, command, args);
    },
    addJobs: async (entries: Entries) => {
      const ids: string[] = [];
      for (let start = 0; start < entries.length; start += mostOfCall) {
        ids.push(...(await addTogether(entries.slice(start, start + mostOfCall))));
      }
      return ids;
    },
  });
}

/**
 * BullMQ's `addBulk` without a `Job` for each, which takes as long as all the rest. Options are not checked.
 * @param jobs `data` is plain JSON
 */
export async function addAll(
  queue: Queue,
  jobs: readonly { id: string; name: string; data: object; opts: JobsOptions }[],
): Promise<void> {
  const untouched = { progress: 0, attemptsMade: 0, attemptsStarted: 0, stalledCounter: 0 };
  const outcome = { failedReason: '', returnvalue: '' };
  const timestamp = Date.now();
  await queue.backend.addJobs(
    jobs.map(({ id, name, data, opts }) => ({
      job: { id, name, data: JSON.stringify(data), opts, timestamp, ...untouched, ...outcome },
      jobId: id,
      parentKeyOpts: {},
    })),
  );
}

function answered<Reply>(reply: Reply): Reply {
  if (reply instanceof Error) throw reply;
  return reply;
}

/** Without parents there is no refusal. */
function idOf(reply: unknown): string {
  if (typeof answered(reply) === 'string') return reply as string;
  throw new Error(`BullMQ did not add a job: ${reply}`);
}
