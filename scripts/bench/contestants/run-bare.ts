// A worker as BullMQ's documentation starts it: no validation, no metrics, no history.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { report, settings, timed } from '../contestant.ts';

const { redisUrl = '', jobs = '0', concurrency = '1' } = settings();
const open = () => new Redis(redisUrl, { maxRetriesPerRequest: null });
const queue = new Queue('bench-run', { connection: open() });
await queue.obliterate({ force: true });
for (let left = Number(jobs); left > 0; left -= 1_000) {
  const batch = Array.from({ length: Math.min(left, 1_000) }, () => ({ name: 'no-op', data: { userId: 'user-1' } }));
  await queue.addBulk(batch.map((job) => ({ ...job, opts: { removeOnComplete: true, priority: 5 } })));
}
let done = 0;
report(
  await timed(
    () =>
      new Promise((resolve) => {
        new Worker(
          'bench-run',
          async () => {
            done += 1;
            if (done === Number(jobs)) resolve(done);
            return {};
          },
          { connection: open(), concurrency: Number(concurrency) },
        );
      }),
  ),
);
process.exit(0);
