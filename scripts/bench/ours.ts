import { createLogger, createMetrics, Secret } from '../../packages/observability/src/index.ts';
import { openRuntime, type Runtime } from '../../packages/queue/src/index.ts';

/** The runtime as a process of the service has it. */
export function openOurs({ databaseUrl, redisUrl }: Record<string, string>): Runtime {
  return openRuntime({
    applicationName: 'bench',
    log: quiet,
    config: {
      DATABASE_URL: new Secret(databaseUrl ?? ''),
      DATABASE_POOL_SIZE: 10,
      PAYLOAD_ENCRYPTION_KEYS: [],
      REDIS_URL: new Secret(redisUrl ?? ''),
      QUEUE_PREFIX: 'queue-service',
    },
  });
}

export const quiet = createLogger({ service: 'bench', level: 'silent' });
export const newMetrics = () => createMetrics({ service: 'bench' });

export const payloads = {
  communication: { type: 'send-sms', data: { to: '+41791234567', body: 'Doors at 7' } },
  money: {
    type: 'payment-process',
    data: { orderId: 'order-1', amount: 4_900, currency: 'eur', paymentMethodId: 'pm_card_visa' },
  },
  background: { type: 'analytics-track', data: { userId: 'user-1', event: 'Ticket viewed' } },
} as const;
