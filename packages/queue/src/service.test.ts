import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { contractOf, jobTypes, mapPaths } from '@queue-service/contracts';
import { createHealth, createLogger, createMetrics, Secret, type Shutdown } from '@queue-service/observability';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { expect, it } from 'vitest';
import { openRuntime } from './runtime.ts';
import { personalPaths, waitForStores } from './service.ts';

it.each(jobTypes)('logs nothing personal of a payload of %s', (type) => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ service: 'test', level: 'info', redactPaths: personalPaths(), destination });
  const { example, personalData } = contractOf(type);
  log.info({ data: example.payload }, 'taken');
  log.child({ payload: example.payload }).info('taken');
  const personal: unknown[] = [];
  mapPaths(example.payload, personalData, (part) => personal.push(part));
  const texts = personal.flatMap(leaves).filter((value) => value.length > 3);
  for (const value of texts) expect(lines.join('')).not.toContain(value);
  if (texts.length > 0) expect(lines.join('')).toContain('[redacted]');
});

function leaves(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [];
}

it('does not warn of a Redis that is only slow to connect to', async () => {
  const { prefix, url } = usePrefix();
  const { hostname, port } = new URL(url);
  const slow = createServer(async (socket) => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    socket.pipe(connect(Number(port), hostname)).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(slow, 'listening');
  const redisUrl = Object.assign(new URL(url), { port: (slow.address() as AddressInfo).port }).href;
  const lines: string[] = [];
  const log = createLogger({ service: 'test', level: 'warn', destination: { write: (line) => void lines.push(line) } });
  const runtime = openRuntime({
    config: {
      DATABASE_URL: new Secret((await useDatabase()).url),
      DATABASE_POOL_SIZE: 2,
      PAYLOAD_ENCRYPTION_KEYS: [{ id: 'k', key: Buffer.alloc(32, 7) }],
      REDIS_URL: new Secret(redisUrl),
      QUEUE_PREFIX: prefix,
    },
    applicationName: 'test',
    log,
  });
  const shutdown = { signal: new AbortController().signal } as Shutdown;
  const metrics = createMetrics({ service: 'test' });
  await waitForStores({ log, runtime, shutdown, metrics, health: createHealth({ checks: {} }) }, { NODE_ENV: 'test' });
  expect(lines.join('')).not.toContain('Waiting for Redis');
  await runtime.close();
  slow.close();
});
