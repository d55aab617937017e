import { openSync, writeSync } from 'node:fs';
import { devNull } from 'node:os';
import { createLogger, createMetrics, Secret } from '../../packages/observability/src/index.ts';
import { type Handlers, openRuntime, type Runtime, startFleetWorker } from '../../packages/queue/src/index.ts';

/** The level of production; what is written goes nowhere, but it is written. */
export function newLog() {
  const nowhere = openSync(devNull, 'w');
  return createLogger({ service: 'bench', level: 'info', destination: { write: (line) => writeSync(nowhere, line) } });
}

export const newMetrics = () => createMetrics({ service: 'bench' });

export type Given = Readonly<Record<string, string>>;

export function configOf({
  databaseUrl = '',
  redisUrl = '',
  backgroundRedisUrl,
  prefix = 'queue-service',
  concurrency = '10',
}: Given) {
  return {
    DATABASE_URL: new Secret(databaseUrl),
    DATABASE_POOL_SIZE: 10,
    PAYLOAD_ENCRYPTION_KEYS: [{ id: 'k', key: Buffer.alloc(32, 7) }],
    REDIS_URL: new Secret(redisUrl),
    ...(backgroundRedisUrl === undefined ? {} : { REDIS_BACKGROUND_URL: new Secret(backgroundRedisUrl) }),
    QUEUE_PREFIX: prefix,
    WORKER_CONCURRENCY: Number(concurrency),
  };
}

/** The runtime as a process of the service has it. */
export async function openOurs(given: Given): Promise<Runtime> {
  const runtime = openRuntime({
    applicationName: 'bench',
    log: newLog(),
    metrics: newMetrics(),
    config: configOf(given),
  });
  await Promise.all(runtime.connections.all.map(({ queue }) => queue.waitUntilReady()));
  return runtime;
}

/** A fleet worker with everything on; `begin` is called where a provider would be. */
export async function workOurs<Queue extends 'money' | 'background'>(
  given: Given,
  queue: Queue,
  begin: (event: Record<string, unknown>) => void | Promise<void>,
): Promise<Runtime> {
  const runtime = await openOurs(given);
  const analytics: Handlers<'background'>['analytics-track'] = async ({ properties }) => {
    await begin(properties ?? {});
    return { messageId: 'message-1' };
  };
  const charge: Handlers<'money'>['payment-process'] = async ({ orderId, amount, currency }, ctx) => {
    await begin({ orderId });
    await ctx.effect('charge', {
      ...{ provider: 'stripe', operation: 'charges.create', request: { orderId, amount }, amount, currency },
      onUnknown: 'find',
      send: async () => ({ providerId: 'ch_1', response: { status: 'succeeded' } }),
      find: async () => ({ state: 'absent_now' }),
    });
    return { paymentIntentId: 'pi_1', status: 'succeeded', amount, currency, chargeId: null };
  };
  const handlers = { 'analytics-track': analytics, 'payment-process': charge } as unknown as Handlers<Queue>;
  startFleetWorker({
    ...{ runtime, queue, handlers, config: configOf(given), log: newLog(), metrics: newMetrics() },
    watchesLoop: true,
  });
  return runtime;
}

export const payloads = {
  communication: { type: 'send-sms', data: { to: '+41791234567', body: 'Doors at 7' } },
  money: {
    type: 'payment-process',
    data: { orderId: 'order-1', amount: 4_900, currency: 'eur', paymentMethodId: 'pm_card_visa' },
  },
  background: { type: 'analytics-track', data: { userId: 'user-1', event: 'Ticket viewed' } },
} as const;
