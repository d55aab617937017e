import { createLogger, Secret } from '@queue-service/observability';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openRuntime, type Runtime } from '../index.ts';
import { type FleetProcess, spawnFleet } from '../testing/spawn-fleet.ts';

/** One a kind of tier: communication and background have the same. */
const queues = ['money', 'background'] as const;
let runtime: Runtime;
let fleets: FleetProcess[] = [];
let stopping = false;
let keep: (queue: (typeof queues)[number]) => void;

beforeAll(async () => {
  const [{ url: databaseUrl }, { prefix, url: redisUrl }] = [await useDatabase(), usePrefix()];
  runtime = openRuntime({
    config: {
      DATABASE_URL: new Secret(databaseUrl),
      DATABASE_POOL_SIZE: 4,
      PAYLOAD_ENCRYPTION_KEYS: [{ id: 'k', key: Buffer.alloc(32, 7) }],
      REDIS_URL: new Secret(redisUrl),
      QUEUE_PREFIX: prefix,
    },
    applicationName: 'test',
    log: createLogger({ service: 'test', level: 'silent' }),
  });
  /** What Kubernetes does: a process that died is started again. */
  keep = (queue) => {
    const fleet = spawnFleet({ queues: [queue], databaseUrl, redisUrl, prefix, concurrency: 5 });
    fleets.push(fleet);
    void fleet.exited.then(() => {
      if (!stopping) keep(queue);
    });
  };
  await vi.waitFor(() => expect(runtime.connections.all.every(({ redis }) => redis.status === 'ready')).toBe(true), {
    timeout: 10_000,
  });
});
afterAll(async () => {
  stopping = true;
  for (const { child } of fleets) child.kill('SIGKILL');
  fleets = [];
  await runtime.close();
});

const job = {
  money: (what: string) => ({
    type: 'payment-process' as const,
    data: { orderId: what, amount: 100, currency: 'eur', paymentMethodId: 'pm_card_visa' },
  }),
  background: (what: string) => ({ type: 'analytics-track' as const, data: { anonymousId: 'a', event: what } }),
};

it('dead-letters a job that kills its worker each time, and spares those that ran beside it', async () => {
  const ids: Record<string, string[]> = {};
  for (const queue of queues) {
    const jobs = ['slow 400', 'slow 400', 'exit 200', 'slow 400', 'slow 400', 'slow 100', 'slow 100', 'slow 100'];
    const answers = await runtime.producer.accept(jobs.map((what) => ({ ...job[queue](what), tenantId: 't1' })));
    ids[queue] = answers.map((answer) => (answer.outcome === 'created' ? answer.job.id : ''));
    keep(queue);
  }
  for (const queue of queues) {
    const [poison = '', ...good] = [2, 0, 1, 3, 4, 5, 6, 7].map((index) => ids[queue]?.[index] ?? '');
    const endOf = (id: string) =>
      vi.waitFor(
        async () => {
          const found = await runtime.reader.find(id, null);
          expect(found?.finishedAt).toBeTruthy();
          return found;
        },
        { timeout: 100_000, interval: 100 },
      );
    for (const id of good) expect(await endOf(id)).toMatchObject({ status: 'completed', attempts: 1 });
    expect(await endOf(poison)).toMatchObject({ status: 'failed', error: { code: 'stalled' } });
    const letters = await runtime.db.prisma.deadLetter.findMany({ where: { queue } });
    expect(letters).toMatchObject([{ jobId: poison, reason: 'stalled' }]);
    const log = letters[0]?.attemptLog as { outcome: string; worker: string; startedAt: string }[];
    expect(log.map(({ outcome }) => outcome)).toEqual(['crashed', 'crashed', 'crashed', 'dead']);
    for (const { worker, startedAt } of log) {
      expect(worker).toMatch(/-\d+-/);
      expect(Date.parse(startedAt)).toBeGreaterThan(0);
    }
  }
}, 120_000);
