import { expect, it, vi } from 'vitest';
import type { Cluster } from './cluster.ts';
import { runChaos } from './run.ts';

/** Together many times the heap of the API. */
const flood = { requests: 200, letters: 300_000 };

it('sheds load instead of running out of memory, and loses nothing when the disk of PostgreSQL is full', {
  timeout: 240_000,
}, async () => {
  const answers: Record<string, number> = {};
  let full = 0;
  const report = await runChaos({
    seed: 10,
    load: 'payments',
    requests: 60,
    forMs: 4_000,
    outageMs: 0,
    patienceMs: 120_000,
    cluster: {
      sizes: { api: 1, 'worker-money': 1, 'worker-communication': 1, scheduler: 1 },
      envOf: { api: { NODE_OPTIONS: '--max-old-space-size=160' } },
      diskMb: 320,
    },
    script: async (cluster, timeline) => {
      const over = timeline.note('api-1', 'a flood of large mails while its Redis is slow');
      Object.assign(answers, await floodOf(cluster));
      over();

      const freed = timeline.note('postgres', 'no room left on its disk');
      await cluster.disk?.fill();
      await useUpTheLog(cluster);
      full = await refusals(cluster);
      await cluster.disk?.free();
      // What an operator does: a PostgreSQL that could not write its log may have ended.
      await cluster.postgres.restart();
      freed();
    },
  });

  expect(report.violations).toEqual([]);
  expect(Object.keys(answers).sort()).toEqual(['202', '503']);
  expect(full).toBeGreaterThan(0);
  expect(report.figures).toMatchObject({ 'requests never answered': 0, 'requests acknowledged': 60 });
});

/** The one API, and a way to post a job to it again and again. */
async function posterOf(cluster: Cluster, job: object) {
  const [api] = cluster.members.filter(({ url }) => url !== null);
  const headers = { authorization: `Bearer ${await cluster.token('flood')}`, 'content-type': 'application/json' };
  const body = JSON.stringify(job);
  return { api, post: () => fetch(`${api?.url}/api/v1/queue/jobs`, { method: 'POST', headers, body }) };
}

/** Answers by status; those that are not 202 say when to come back. */
async function floodOf(cluster: Cluster): Promise<Record<string, number>> {
  const data = { to: 'crowd@example.com', subject: 'Doors', text: 'x'.repeat(flood.letters) };
  const { api, post } = await posterOf(cluster, { queue: 'communication', type: 'send-email', data });
  api?.redis.slow(1_000);
  const sent = Array.from({ length: flood.requests }, post);
  const settled = Promise.allSettled(sent);
  const live = await fetch(`${api?.url}/health/live`).catch(() => null);
  const answered = (await settled).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  api?.redis.slow(0);
  expect(live?.status).toBe(200);
  expect(api?.victim.running).toBe(true);
  for (const { status, headers } of answered) {
    if (status !== 202) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  }
  return Object.fromEntries(
    [...Map.groupBy(answered, ({ status }) => status)].map(([status, all]) => [status, all.length]),
  );
}

/** PostgreSQL has some room in its log yet: this ends when that is used up, and with it, as a rule, PostgreSQL. */
async function useUpTheLog({ db }: Cluster): Promise<void> {
  for (let megabytes = 0; megabytes < 1_000; megabytes += 4) {
    const written = await db.query('', "SELECT pg_logical_emit_message(false, 'fill', repeat('x', 4194304))").then(
      () => true,
      () => false,
    );
    if (!written) return;
  }
  throw new Error('the disk does not fill up');
}

/** Posts payments until one is refused for want of a database; answers how many were refused. */
async function refusals(cluster: Cluster): Promise<number> {
  const data = { orderId: 'o', amount: 100, currency: 'eur', paymentMethodId: 'pm_card_visa' };
  const { post } = await posterOf(cluster, { queue: 'money', type: 'payment-process', data });
  let refused = 0;
  await vi.waitFor(
    async () => {
      const { status, headers } = await post();
      if (status === 503) refused += 1;
      expect(status).toBe(503);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    },
    { timeout: 30_000, interval: 10 },
  );
  return refused;
}
