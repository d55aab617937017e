import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { createLogger, createMetrics, Secret } from '@queue-service/observability';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { expect, it, onTestFinished, vi } from 'vitest';
import { openRuntime, startFleetWorker } from '../index.ts';

it('waits for a delayed job to the millisecond, not in whole seconds', async () => {
  const [{ url }, { prefix, url: redis }] = [await useDatabase(), usePrefix()];
  const config = {
    ...{ DATABASE_URL: new Secret(url), DATABASE_POOL_SIZE: 3, PAYLOAD_ENCRYPTION_KEYS: [], WORKER_CONCURRENCY: 1 },
    ...{ REDIS_URL: new Secret(redis), QUEUE_PREFIX: prefix },
  };
  const log = createLogger({ service: 'test', level: 'silent' });
  const runtime = openRuntime({ config, applicationName: 'test', log });
  onTestFinished(() => runtime.close());
  await vi.waitFor(() => expect(runtime.connections.of('background').redis.status).toBe('ready'));
  const host = startFleetWorker({
    ...{ runtime, queue: 'background', config, log, metrics: createMetrics({ service: 'test' }) },
    handlers: { 'analytics-track': async () => ({ messageId: 'm' }) } as never,
  });
  onTestFinished(() => host.close(1_000));

  // How long it tells Redis to wait says how exactly it can.
  const { hostname, port } = new URL(redis);
  const watching = connect(Number(port), hostname, () => watching.write('MONITOR\r\n'));
  onTestFinished(() => void watching.destroy());
  await once(watching, 'data');
  const waits: number[] = [];
  createInterface(watching).on('line', (line) => {
    const [, key, seconds] = /"bzpopmin" "([^"]+)" "([^"]+)"/i.exec(line) ?? [];
    if (key?.startsWith(prefix)) waits.push(Number(seconds));
  });
  await runtime.producer.accept([
    {
      type: 'analytics-track',
      tenantId: 't1',
      data: { anonymousId: 'a', event: 'seen' },
      options: { delayMs: 1_500 },
    },
  ]);
  await vi.waitFor(() => expect(waits.some((seconds) => !Number.isInteger(seconds))).toBe(true), { timeout: 10_000 });
});
