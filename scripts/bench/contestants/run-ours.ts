// A fleet worker with everything on: contract, metrics, history, time-out, fairness. Only the handler does nothing.

import { Secret } from '../../../packages/observability/src/index.ts';
import type { Handlers } from '../../../packages/queue/src/index.ts';
import { startFleetWorker } from '../../../packages/queue/src/index.ts';
import { report, settings, timed } from '../contestant.ts';
import { newMetrics, openOurs, payloads, quiet } from '../ours.ts';

const given = settings();
const jobs = Number(given['jobs']);
const runtime = openOurs(given);
await runtime.connections.of('background').queue.obliterate({ force: true });
const tenants = Number(given['tenants'] ?? 1);
for (let left = jobs; left > 0; left -= 1_000) {
  await runtime.producer.accept(
    Array.from({ length: Math.min(left, 1_000) }, (_, index) => ({
      ...{ ...payloads.background, tenantId: `tenant-${index % tenants}` },
    })),
  );
}
let done = 0;
const measured = await timed(
  () =>
    new Promise((resolve) => {
      const handlers = {
        'analytics-track': async () => {
          done += 1;
          if (done === jobs) resolve(done);
          return { messageId: 'message-1' };
        },
      } as unknown as Handlers<'background'>;
      const config = {
        REDIS_URL: new Secret(given['redisUrl'] ?? ''),
        QUEUE_PREFIX: 'queue-service',
        WORKER_CONCURRENCY: Number(given['concurrency']),
      };
      startFleetWorker({ runtime, queue: 'background', handlers, config, log: quiet, metrics: newMetrics() });
    }),
);
report(measured);
process.exit(0);
