// A worker as BullMQ's documentation starts it: no validation, no metrics, no history, no logs.
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { report, settings, timedAfter } from '../contestant.ts';

const { redisUrl = '', jobs = '0', warm = '0', concurrency = '1' } = settings();
const counter = timedAfter(Number(warm), Number(jobs));
new Worker(
  'bench-run',
  async () => {
    counter.one();
    return { messageId: 'message-1' };
  },
  { connection: new Redis(redisUrl, { maxRetriesPerRequest: null }), concurrency: Number(concurrency) },
);
report(await counter.done);
process.exit(0);
