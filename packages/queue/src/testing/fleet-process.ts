import { contractOf, type JobType, jobTypes, type QueueName } from '@queue-service/contracts';
import { createLogger, createMetrics, Secret } from '@queue-service/observability';
import { openRuntime, startFleetWorker } from '../index.ts';

/**
 * A worker process for tests that kill, freeze and cut: its handlers do what the job says (`orderId`, `subject` or
 * `event`), and print what they begin. Configured by its argument, a JSON text.
 */
export interface FleetProcessConfig {
  /** What one process serves here, to save starts; in production it is one queue a process. */
  queues: QueueName[];
  databaseUrl: string;
  redisUrl: string;
  prefix: string;
  concurrency: number;
  watchesLoop?: boolean;
}

/** Short enough for tests, with the proportions of the real ones. */
export const quick = {
  ...{ lockDuration: 1_500, lockRenewTime: 400, stalledInterval: 600 },
  ...{ leaseMs: 1_200, renewEveryMs: 300 },
};

const config = JSON.parse(process.argv[2] ?? 'null') as FleetProcessConfig | null;
if (config !== null) {
  const log = createLogger({ service: 'test-fleet', level: 'info' });
  const runtimeConfig = {
    DATABASE_URL: new Secret(config.databaseUrl),
    DATABASE_POOL_SIZE: 4,
    PAYLOAD_ENCRYPTION_KEYS: [{ id: 'k', key: Buffer.alloc(32, 7) }],
    REDIS_URL: new Secret(config.redisUrl),
    QUEUE_PREFIX: config.prefix,
    WORKER_CONCURRENCY: config.concurrency,
  };
  const runtime = openRuntime({ config: runtimeConfig, applicationName: 'test-fleet', log });
  const handler =
    (type: JobType) => async (payload: Record<string, unknown>, ctx: { jobId: string; signal: AbortSignal }) => {
      const [what, ms = '0'] = String(payload['orderId'] ?? payload['subject'] ?? payload['event']).split(' ');
      process.stdout.write(`${JSON.stringify({ began: ctx.jobId, what })}\n`);
      if (what === 'exit') setTimeout(() => process.exit(3), Number(ms));
      if (what === 'block') for (const until = Date.now() + Number(ms); Date.now() < until; );
      if (what === 'exit' || what === 'hang' || what === 'slow') {
        await new Promise<void>((resolve, reject) => {
          if (what === 'slow') setTimeout(resolve, Number(ms));
          ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error));
        });
      }
      return contractOf(type).example.result;
    };
  const metrics = createMetrics({ service: 'test-fleet' });
  for (const queue of config.queues) {
    startFleetWorker({
      ...{ runtime, queue, config: runtimeConfig, log, metrics, timing: quick, maxCrashes: 3 },
      watchesLoop: config.watchesLoop === true,
      handlers: Object.fromEntries(jobTypes.map((type) => [type, handler(type)])) as never,
    });
  }
  process.stdout.write('{"started":true}\n');
}
