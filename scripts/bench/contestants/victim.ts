// A worker that can be killed or blocked: prints each job it begins.
import { writeSync } from 'node:fs';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { report, settings } from '../contestant.ts';
import { workOurs } from '../ours.ts';

const given = settings();
const hang = given['hang'] === 'yes';
const blockMs = Number(given['blockMs'] ?? 0);
const began = async (name: string) => {
  writeSync(1, `began ${name} ${Date.now()}\n`);
  for (const until = performance.now() + blockMs; performance.now() < until; );
  if (hang) await new Promise(() => {});
};
if (given['engine'] === 'BullMQ') {
  const connection = new Redis(given['redisUrl'] ?? '', { maxRetriesPerRequest: null });
  await new Worker('bench-kill', (job) => began(String(job.data.name)), {
    connection,
    concurrency: 20,
  }).waitUntilReady();
  await new Queue('bench-kill', { connection }).waitUntilReady();
} else {
  await workOurs({ concurrency: '20', ...given }, given['queue'] === 'money' ? 'money' : 'background', (event) =>
    began(String(event['orderId'] ?? event['name'])),
  );
}
process.stdout.write('listening for-jobs\n');
process.once('SIGTERM', () => {
  report({ count: 0, seconds: 0, cpuSeconds: 0, rssMiB: 0 });
  process.exit(0);
});
