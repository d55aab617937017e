// The HTTP side: the real app with authentication and validation, over several kinds of enqueueing.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { createApp } from '../../../apps/api/src/app.ts';
import { flowsPort } from '../../../apps/api/src/flows-port.ts';
import { listen } from '../../../apps/api/src/http/server.ts';
import { openRateLimits } from '../../../apps/api/src/rate-limit/open-rate-limits.ts';
import { secretKey } from '../../../apps/api/src/testing/tokens.ts';
import { contractOf, type JobResource } from '../../../packages/contracts/src/index.ts';
import { createHealth } from '../../../packages/observability/src/index.ts';
import { type Acceptance, type NewJob, newId, type Producer } from '../../../packages/queue/src/index.ts';
import { report, settings, timed } from '../contestant.ts';
import { configOf, newLog, newMetrics, openOurs } from '../ours.ts';

const given = settings();
const runtime = await openOurs(given);
const bare = new Queue('bench-accept', {
  connection: new Redis(given['redisUrl'] ?? '', { maxRetriesPerRequest: null }),
});

/** What is answered where neither the ledger nor history is behind it. */
const created = ({ type, tenantId }: NewJob, id = newId()): Acceptance => {
  const job: JobResource = {
    ...{ id, type, tenantId, status: 'pending', attempts: 0, idempotencyKey: null, startedAt: null, finishedAt: null },
    ...{ queue: contractOf(type).queue, priority: 5, maxAttempts: 3, createdAt: new Date().toISOString() },
    ...{ result: null, error: null, scheduledFor: null, flowId: null, delivery: null },
  };
  return { outcome: 'created', job };
};

const producers: Record<string, Producer> = {
  ours: runtime.producer,
  'ours, rate limits on': runtime.producer,
  nothing: { accept: async (jobs) => jobs.map((job) => created(job)) },
  'bare add': {
    accept: (jobs) =>
      Promise.all(
        jobs.map(async (job) => {
          const { id } = await bare.add(job.type, job.data);
          return created(job, id);
        }),
      ),
  },
  'bare addBulk': {
    accept: async (jobs) => {
      const added = await bare.addBulk(jobs.map(({ type, data }) => ({ name: type, data })));
      return jobs.map((job, index) => created(job, added[index]?.id));
    },
  },
};
const mode = given['mode'] ?? '';
const [log, metrics, healthy] = [newLog(), newMetrics(), createHealth({ checks: {} })];
const perMinute = { RATE_LIMIT_PRINCIPAL_PER_MINUTE: 10_000_000, RATE_LIMIT_TENANT_PER_MINUTE: 10_000_000 };
const limits = mode.endsWith('rate limits on')
  ? openRateLimits({ config: { ...configOf(given), ...perMinute }, runtime, metrics, log })
  : null;
const app = createApp({
  ...{ log, metrics, bodyLimitBytes: 1_048_576, moneyBodyLimitBytes: 65_536, version: 'bench' },
  trust: { key: secretKey, algorithms: ['HS256'], recheckAfterMs: Number.POSITIVE_INFINITY },
  ...{ producer: producers[mode] ?? runtime.producer, jobs: runtime.reader, flows: flowsPort(runtime) },
  ...{ health: healthy, readiness: healthy, ...(limits === null ? {} : { rateLimit: limits.rateLimit }) },
});
const server = await listen(app, 0);
/** Of what was measured: between a signal and the next. */
let measuring = timed(untilTold);
process.stdout.write(`listening http://127.0.0.1:${server.port}\n`);
await measuring;
measuring = timed(untilTold);
const measured = await measuring;
await server.close(1_000);
report(measured);
process.exit(0);

function untilTold(): Promise<number> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve(0));
  });
}
