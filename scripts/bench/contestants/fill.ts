// Puts jobs into the queue of a contestant, in a process of its own: what was made here must not burden who runs them.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { bullPriority, numberStep } from '../../../packages/queue/src/fairness/bands.ts';
import { tendQueue } from '../../../packages/queue/src/fairness/tend-queue.ts';
import { report, settings, timed } from '../contestant.ts';
import { openOurs, payloads } from '../ours.ts';

const given = settings();
const { engine = 'ours', redisUrl = '', queue: name = 'background' } = given;
const [jobs, waiting, tenants] = [Number(given['jobs']), Number(given['waiting'] ?? 0), Number(given['tenants'] ?? 1)];
const priority = 5;

async function fillBare(): Promise<number> {
  const queue = new Queue('bench-run', { connection: new Redis(redisUrl, { maxRetriesPerRequest: null }) });
  for (let left = jobs; left > 0; left -= 1_000) {
    const batch = Array.from({ length: Math.min(left, 1_000) }, () => ({
      ...{ name: 'no-op', data: payloads.background.data },
      opts: { removeOnComplete: true, priority: 5 },
    }));
    await queue.addBulk(batch);
  }
  return jobs;
}

async function fillOurs(): Promise<number> {
  const runtime = await openOurs(given);
  const payload = name === 'money' ? payloads.money : payloads.background;
  let made = 0;
  const post = async (count: number) => {
    const batch = Array.from({ length: count }, () => {
      made += 1;
      return { ...payload, tenantId: `tenant-${made % tenants}`, options: { priority } };
    });
    return runtime.producer.accept(batch);
  };
  for (let left = jobs; left > 0; left -= 500) await post(Math.min(left, 500));
  if (waiting > 0) {
    const [first] = await post(1);
    if (first?.outcome !== 'created') throw new Error('The job that is copied was not accepted');
    await copy(first.job.id, runtime);
  }
  await runtime.history.close(600_000);
  return jobs + waiting;
}

/** A million jobs by way of the producer take minutes: here the server copies one, and the service gives each its place. */
async function copy(id: string, runtime: Awaited<ReturnType<typeof openOurs>>): Promise<void> {
  const connection = runtime.connections.of('background');
  const { queue, redis } = connection;
  const script = `
    local fields = redis.call('HGETALL', KEYS[1] .. ARGV[1])
    local at = 0
    for index = 1, #fields, 2 do if fields[index] == 'opts' then at = index + 1 end end
    local opts = fields[at]
    for number = tonumber(ARGV[2]), tonumber(ARGV[3]) do
      local copied = 'copy-' .. number
      fields[at] = string.gsub(opts, '"tenant":"[^"]*"', '"tenant":"tenant-' .. number % tonumber(ARGV[4]) .. '"')
      redis.call('HSET', KEYS[1] .. copied, unpack(fields))
      redis.call('ZADD', KEYS[2], string.format('%.0f', tonumber(ARGV[5]) + number), copied)
    end`;
  const intake = bullPriority(priority) * numberStep + 1_000_000;
  for (let from = 0; from < waiting; from += 5_000) {
    const to = Math.min(from + 5_000, waiting) - 1;
    await redis.eval(script, 2, queue.toKey(''), queue.toKey('prioritized'), id, from, to, tenants, intake);
    for (let more = true; more; )
      more = (await tendQueue(connection, { priorities: [priority], now: new Date() })).more;
  }
}

report(await timed(engine === 'bare' ? fillBare : fillOurs));
process.exit(0);
