// A money job end to end: accepted durably, claimed, one effect recorded before and after a fake that answers at once, ended.

import { Secret } from '../../../packages/observability/src/index.ts';
import type { Handler, Handlers } from '../../../packages/queue/src/index.ts';
import { startFleetWorker } from '../../../packages/queue/src/index.ts';
import { report, settings, timed } from '../contestant.ts';
import { newMetrics, openOurs, payloads, quiet } from '../ours.ts';

const given = settings();
const jobs = Number(given['jobs']);
const runtime = openOurs(given);
await runtime.connections.of('money').queue.obliterate({ force: true });
let done = 0;
let finished: (count: number) => void = () => {};
const charge: Handler<'payment-process'> = async ({ orderId, amount, currency }, ctx) => {
  await ctx.effect('charge', {
    ...{ provider: 'stripe', operation: 'charges.create', request: { orderId, amount }, amount, currency },
    onUnknown: 'find',
    send: async () => ({ providerId: 'ch_1', response: { status: 'succeeded' } }),
    find: async () => ({ state: 'absent' }),
  });
  done += 1;
  if (done === jobs) setImmediate(() => finished(done));
  return { paymentIntentId: 'pi_1', status: 'succeeded', amount, currency, chargeId: null };
};
const handlers = { 'payment-process': charge } as unknown as Handlers<'money'>;
const config = {
  REDIS_URL: new Secret(given['redisUrl'] ?? ''),
  QUEUE_PREFIX: 'queue-service',
  WORKER_CONCURRENCY: Number(given['concurrency']),
};
startFleetWorker({ runtime, queue: 'money', handlers, config, log: quiet, metrics: newMetrics() });
report(
  await timed(async () => {
    const all = new Promise<number>((resolve) => {
      finished = resolve;
    });
    const batches = Array.from({ length: Math.ceil(jobs / 100) }, () =>
      runtime.producer.accept(Array.from({ length: 100 }, () => ({ ...payloads.money, tenantId: 'tenant-1' }))),
    );
    await Promise.all(batches);
    const count = await all;
    for (let left = 1; left > 0; ) {
      const [row] = await runtime.db.query<{ left: number }>(
        '',
        'SELECT count(*)::int AS left FROM critical_jobs WHERE finished_at IS NULL',
      );
      left = row?.left ?? 0;
    }
    return count;
  }),
);
process.exit(0);
