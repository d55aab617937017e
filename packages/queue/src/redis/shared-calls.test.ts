import { usePrefix } from '@queue-service/sandbox/testing';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addAll, ranFields, sharedCalls } from './shared-calls.ts';

let redis: Redis;
let prefix: string;
beforeAll(async () => {
  const used = await usePrefix();
  prefix = used.prefix;
  redis = new Redis(used.url, { maxRetriesPerRequest: null });
});
afterAll(() => redis.quit());

const timestamp = 1_790_000_000_000;
const jobs = [
  { name: 'a', data: { n: 1 }, opts: { jobId: 'j1', priority: 7, removeOnComplete: { age: 60 }, timestamp } },
  { name: 'b', data: { text: 'späť' }, opts: { jobId: 'j2', delay: 60_000, priority: 3, attempts: 1, timestamp } },
  { name: 'a', data: { n: 3 }, opts: { jobId: 'j3', priority: 2, timestamp } },
  { name: 'c', data: {}, opts: { jobId: 'j4', timestamp } },
  { name: 'a', data: { again: true }, opts: { jobId: 'j1', priority: 1, timestamp } },
];

it('leaves in Redis what BullMQ leaves there', async () => {
  const plain = new Queue('plain', { connection: redis, prefix });
  const shared = new Queue('shared', { connection: redis, prefix }, sharedCalls());
  const left = async (queue: Queue) => {
    const added = await queue.addBulk(jobs);
    const hashes = await Promise.all(['j1', 'j2', 'j3', 'j4'].map((id) => redis.hgetall(queue.toKey(id))));
    const sets = await Promise.all(
      ['prioritized', 'delayed', 'marker'].map((set) => redis.zrange(queue.toKey(set), 0, '-1', 'WITHSCORES')),
    );
    const wait = await redis.lrange(queue.toKey('wait'), 0, '-1');
    return { wait, ids: added.map(({ id }) => id), hashes, sets, events: await redis.xlen(queue.toKey('events')) };
  };
  const expected = await left(plain);
  expect(expected.ids).toEqual(['j1', 'j2', 'j3', 'j4', 'j1']);
  expect(expected.hashes[0]).toMatchObject({ name: 'a', data: '{"n":1}' });
  expect(await left(shared)).toEqual(expected);
});

it('adds without Job objects what BullMQ adds with them', async () => {
  const queues = ['with', 'without'].map((name) => new Queue(name, { connection: redis, prefix }, sharedCalls()));
  const [withThem, without] = queues as [Queue, Queue];
  const opts = { jobId: 'j1', priority: 7, attempts: 1, tenant: 'tenant-1' };
  await withThem.addBulk([
    { name: 'a', data: { text: 'späť' }, opts },
    { name: 'b', data: {}, opts: { ...opts, jobId: 'j2', delay: 60_000 } },
  ]);
  await addAll(without, [
    { id: 'j1', name: 'a', data: { text: 'späť' }, opts },
    { id: 'j2', name: 'b', data: {}, opts: { ...opts, jobId: 'j2', delay: 60_000 } },
  ]);
  const left = async (queue: Queue) => ({
    hashes: (await Promise.all(['j1', 'j2'].map((id) => redis.hgetall(queue.toKey(id))))).map(
      ({ timestamp: _, opts: stored = '', ...hash }) => ({ ...hash, opts: JSON.parse(stored) }),
    ),
    waiting: await redis.zrange(queue.toKey('prioritized'), 0, '-1', 'WITHSCORES'),
    delayed: await redis.zrange(queue.toKey('delayed'), 0, '-1'),
    job: (await queue.getJob('j1'))?.data,
  });
  const expected = await left(withThem);
  expect(expected).toMatchObject({ job: { text: 'späť' }, delayed: ['j2'] });
  expect(await left(without)).toEqual(expected);
});

it('adds many calls’ worth of jobs in their order', async () => {
  const queue = new Queue('many', { connection: redis, prefix }, sharedCalls());
  const ids = Array.from({ length: 250 }, (_, index) => `job-${index}`);
  const added = await queue.addBulk(ids.map((jobId) => ({ name: 'a', data: {}, opts: { jobId, priority: 5 } })));
  expect(added.map(({ id }) => id)).toEqual(ids);
  expect(await redis.zrange(queue.toKey('prioritized'), 0, '-1')).toEqual(ids);
});

it('ends jobs together, each on its own: one whose lock is lost is refused alone', async () => {
  const options = { connection: redis, prefix };
  const queue = new Queue('ends', options, sharedCalls());
  const worker = new Worker('ends', null, { ...options, autorun: false }, sharedCalls());
  await queue.addBulk(
    ['j1', 'j2', 'j3', 'j4'].map((jobId) => ({ name: 'a', data: {}, opts: { jobId, priority: 5, attempts: 1 } })),
  );
  const [j1, j2, j3] = [await worker.getNextJob('t'), await worker.getNextJob('t'), await worker.getNextJob('t')];
  if (!j1 || !j2 || !j3) throw new Error('three jobs were waiting');
  await redis.del(`${queue.toKey('j2')}:lock`);
  const [first, second, third] = await Promise.allSettled([
    j1.moveToCompleted({ sent: true }, 't', true),
    j2.moveToCompleted(null, 't', false),
    j3.moveToFailed(new Error('no such card'), 't', false),
  ]);
  expect(first).toMatchObject({ status: 'fulfilled', value: [{ name: 'a' }, 'j4', 0, 0] });
  expect(second).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('Missing lock') } });
  expect(third?.status).toBe('fulfilled');
  expect(await redis.zrange(queue.toKey('completed'), 0, '-1')).toEqual(['j1']);
  expect(await redis.zrange(queue.toKey('failed'), 0, '-1')).toEqual(['j3']);
  expect(await redis.hgetall(queue.toKey('j1'))).toMatchObject({ returnvalue: '{"sent":true}' });
  expect(await redis.hget(queue.toKey('j3'), 'failedReason')).toBe('no such card');
  expect((await redis.lrange(queue.toKey('active'), 0, '-1')).sort()).toEqual(['j2', 'j4']);
  await worker.close();
});

it('hands the error of one end to that one', async () => {
  const options = { connection: redis, prefix };
  const queue = new Queue('errors', options, sharedCalls());
  const worker = new Worker('errors', null, { ...options, autorun: false }, sharedCalls());
  await queue.addBulk(['j1', 'j2'].map((jobId) => ({ name: 'a', data: {}, opts: { jobId, priority: 5 } })));
  const [j1, j2] = [await worker.getNextJob('t'), await worker.getNextJob('t')];
  if (!j1 || !j2) throw new Error('two jobs were waiting');
  await redis.set(queue.toKey('failed'), 'not a sorted set');
  const [first, second] = await Promise.allSettled([
    j1.moveToFailed(new Error('no'), 't', false),
    j2.moveToCompleted(null, 't', false),
  ]);
  expect(first).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('WRONGTYPE') } });
  expect(second?.status).toBe('fulfilled');
  await worker.close();
});

it('tells of each end with the step that makes it, and not of one that is refused', async () => {
  const options = { connection: redis, prefix };
  const told: string[] = [];
  const subscriber = redis.duplicate();
  await subscriber.psubscribe(`${prefix}:told:*`);
  subscriber.on('pmessage', (_pattern, channel, message) => told.push(`${channel.slice(prefix.length)} ${message}`));
  const queue = new Queue('told', options, sharedCalls());
  const tells = sharedCalls({ channelOf: (jobId) => `${prefix}:told:${jobId}`, message: 'ended' });
  const worker = new Worker('told', null, { ...options, autorun: false }, tells);
  await queue.addBulk(['j1', 'j2', 'j3'].map((jobId) => ({ name: 'a', data: {}, opts: { jobId, priority: 5 } })));
  const [j1, j2, j3] = [await worker.getNextJob('t'), await worker.getNextJob('t'), await worker.getNextJob('t')];
  await redis.del(`${queue.toKey('j1')}:lock`);
  const ends = await Promise.allSettled([
    j1?.moveToCompleted(null, 't', false),
    j2?.moveToCompleted(null, 't', true),
    j3?.moveToFailed(new Error('no such card'), 't', false),
  ]);
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  await expect.poll(() => told.toSorted()).toEqual([':told:j2 ended', ':told:j3 ended']);
  subscriber.disconnect();
  await worker.close();
});

it('keeps who ran a job whose lock ran out, also when the next worker has it', async () => {
  const options = { connection: redis, prefix, autorun: false, maxStalledCount: 10, stalledInterval: 1 };
  const queue = new Queue('stalled', options, sharedCalls());
  const [first, second] = ['first', 'second'].map(
    (name) => new Worker('stalled', null, { ...options, name }, sharedCalls()),
  );
  await queue.addBulk(['j1', 'j2'].map((jobId) => ({ name: 'a', data: {}, opts: { jobId, priority: 5 } })));
  const lost = await first?.getNextJob('t');
  await first?.getNextJob('t');
  await redis.del(`${queue.toKey('j1')}:lock`);
  const look = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return second?.backend.moveStalledJobsToWait();
  };
  // What runs without a lock is marked at first, and offered again when it is still there the next time.
  expect([await look(), await look()]).toEqual([[], ['j1']]);
  await second?.getNextJob('t');
  expect(await redis.hmget(queue.toKey('j1'), 'pb', ...ranFields)).toEqual(['second', 'first', `${lost?.processedOn}`]);
  expect(await redis.hmget(queue.toKey('j2'), ...ranFields)).toEqual([null, null]);
  await Promise.all([first?.close(), second?.close()]);
});
