// Batches of 100, one after the other, without HTTP.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { report, settings, timed } from '../contestant.ts';
import { openOurs, payloads } from '../ours.ts';

const given = settings();
const [jobs, warm] = [Number(given['jobs']), Number(given['warm'])];
const of100 = <Item>(make: () => Item) => Array.from({ length: 100 }, make);

async function adder(): Promise<() => Promise<unknown>> {
  if (given['engine'] === 'bare') {
    const queue = new Queue('bench-add', {
      connection: new Redis(given['redisUrl'] ?? '', { maxRetriesPerRequest: null }),
    });
    const { type, data } = payloads.communication;
    return () => queue.addBulk(of100(() => ({ name: type, data })));
  }
  const { producer } = await openOurs(given);
  return () => producer.accept(of100(() => ({ ...payloads.communication, tenantId: 'tenant-1' })));
}

const add = await adder();
const all = async (count: number) => {
  for (let left = count; left > 0; left -= 100) await add();
  return count;
};
await all(warm);
report(await timed(() => all(jobs)));
process.exit(0);
