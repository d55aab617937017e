import { Queue, Worker } from 'bullmq';
import { makeWorkerUtils, run } from 'graphile-worker';
import { Redis } from 'ioredis';
import { PgBoss } from 'pg-boss';
import { type Given, openOurs, payloads, workOurs } from './ours.ts';

/** A queue whose jobs carry when they were added, in milliseconds since 1970. */
export interface Engine {
  /** Opens what is needed for adding. */
  producer(): Promise<(sentAt: number) => Promise<unknown>>;
  work(begin: (sentAt: number) => void, concurrency: number): Promise<void>;
}

export function engineOf(name: string, given: Given): Engine {
  const { redisUrl = '', databaseUrl = '' } = given;
  const open = () => new Redis(redisUrl, { maxRetriesPerRequest: null });
  switch (name) {
    case 'ours':
      return {
        producer: async () => {
          const { producer } = await openOurs(given);
          return (sentAt) => {
            const data = { ...payloads.background.data, properties: { sentAt } };
            return producer.accept([{ ...payloads.background, data, tenantId: 'tenant-1' }]);
          };
        },
        work: async (begin) => {
          await workOurs(given, 'background', ({ sentAt }) => begin(Number(sentAt)));
        },
      };
    case 'BullMQ':
      return {
        producer: async () => {
          const queue = new Queue('bench-latency', { connection: open() });
          return (sentAt) => queue.add('no-op', { sentAt }, { removeOnComplete: true });
        },
        work: async (begin, concurrency) => {
          const worker = new Worker('bench-latency', async (job) => begin(job.data.sentAt), {
            ...{ connection: open(), concurrency },
          });
          await worker.waitUntilReady();
        },
      };
    case 'graphile-worker':
      return {
        producer: async () => {
          const utils = await makeWorkerUtils({ connectionString: databaseUrl });
          return (sentAt) => utils.addJob('no-op', { sentAt });
        },
        work: async (begin, concurrency) => {
          const utils = await makeWorkerUtils({ connectionString: databaseUrl });
          await utils.migrate();
          await run({
            ...{ connectionString: databaseUrl, concurrency, noHandleSignals: true },
            taskList: { 'no-op': async (payload) => begin((payload as { sentAt: number }).sentAt) },
          });
        },
      };
    case 'pg-boss':
      return {
        producer: async () => {
          const boss = new PgBoss({ connectionString: databaseUrl });
          await boss.start();
          return (sentAt) => boss.send('no-op', { sentAt });
        },
        work: async (begin, concurrency) => {
          const boss = new PgBoss({ connectionString: databaseUrl });
          await boss.start();
          await boss.createQueue('no-op');
          await boss.work<{ sentAt: number }>(
            'no-op',
            // What it has not taken waits for the next look, however soon these end.
            { batchSize: 25 * concurrency, pollingIntervalSeconds: 0.5 },
            async (batch) => {
              for (const { data } of batch) begin(data.sentAt);
            },
          );
        },
      };
    default:
      throw new Error(`There is no engine ${name}`);
  }
}
