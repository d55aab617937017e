// The HTTP side: the same app with authentication and validation, over three kinds of enqueueing. No rate limit in any.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { createApp } from '../../../apps/api/src/app.ts';
import { flowsPort } from '../../../apps/api/src/flows-port.ts';
import { listen } from '../../../apps/api/src/http/server.ts';
import { secretKey } from '../../../apps/api/src/testing/tokens.ts';
import { contractOf, type JobResource } from '../../../packages/contracts/src/index.ts';
import { createHealth } from '../../../packages/observability/src/index.ts';
import { type NewJob, newId, type Producer } from '../../../packages/queue/src/index.ts';
import { report, settings, timed } from '../contestant.ts';
import { newMetrics, openOurs, quiet } from '../ours.ts';

const given = settings();
const runtime = openOurs(given);

/** What is answered without the ledger or BullMQ behind it. */
const resourceOf = ({ type, tenantId }: NewJob, id: string): JobResource => ({
  ...{ id, type, tenantId, status: 'pending', attempts: 0, idempotencyKey: null, startedAt: null, finishedAt: null },
  ...{ queue: contractOf(type).queue, priority: 5, maxAttempts: 3, createdAt: new Date().toISOString() },
  ...{ result: null, error: null, scheduledFor: null, flowId: null, delivery: null },
});
const bare = new Queue('bench-accept', {
  connection: new Redis(given['redisUrl'] ?? '', { maxRetriesPerRequest: null }),
});

const producers: Record<string, Producer> = {
  nothing: { accept: async (jobs) => jobs.map((job) => ({ outcome: 'created', job: resourceOf(job, newId()) })) },
  bare: {
    accept: (jobs) =>
      Promise.all(
        jobs.map(async (job) => {
          const id = newId();
          await bare.add(job.type, job.data, { jobId: id });
          return { outcome: 'created' as const, job: resourceOf(job, id) };
        }),
      ),
  },
  ours: runtime.producer,
};

const healthy = createHealth({ checks: {} });
const app = createApp({
  ...{ log: quiet, metrics: newMetrics(), bodyLimitBytes: 1_048_576, moneyBodyLimitBytes: 65_536, version: 'bench' },
  trust: { key: secretKey, algorithms: ['HS256'], recheckAfterMs: Number.POSITIVE_INFINITY },
  ...{ producer: producers[given['mode'] ?? ''] ?? runtime.producer, jobs: runtime.reader, flows: flowsPort(runtime) },
  ...{ health: healthy, readiness: healthy },
});
const server = await listen(app, 0);
const measuring = timed(
  () =>
    new Promise((resolve) => {
      process.once('SIGTERM', () => resolve(0));
    }),
);
process.stdout.write(`listening http://127.0.0.1:${server.port}\n`);
const measured = await measuring;
await server.close(1_000);
await bare.close();
report(measured);
process.exit(0);
