import { expect, it, vi } from 'vitest';
import type { Cluster, Member } from './cluster.ts';
import { runChaos } from './run.ts';
import type { Timeline } from './timeline.ts';

/**
 * Longer than the workers' grace, shorter than the clients' patience: who is stopped has work in hand, and must give it back.
 * A fifth of the grace is for that: two seconds and more, as a disk may stall.
 */
const slowMs = 13_000;

it('loses and doubles nothing when all workers are restarted one after another under load', {
  timeout: 300_000,
}, async () => {
  const exits: Record<string, 0 | string> = {};
  const report = await runChaos({
    seed: 9,
    requests: 80,
    forMs: 5_000,
    outageMs: 0,
    patienceMs: 60_000,
    cluster: {
      sizes: { api: 1, 'worker-money': 2, 'worker-communication': 2, 'worker-background': 1, scheduler: 1 },
      env: { SHUTDOWN_GRACE_MS: '12000', STRIPE_TIMEOUT_MS: '20000' },
    },
    script: async (cluster, timeline) => {
      const { stripe, sendgrid } = cluster.providers.sandbox;
      const slow = { seed: 9, rates: { delay: { rate: 0.3, ms: slowMs } } };
      stripe.faults.random(slow);
      sendgrid.faults.random(slow);
      await vi.waitFor(() => inHand(cluster, 10), { timeout: 60_000, interval: 50 });
      // As Kubernetes does it: the fleets side by side, within each one pod at a time.
      const fleets = Object.values(Object.groupBy(cluster.members, ({ app }) => app)).filter((fleet) =>
        fleet?.[0]?.app.startsWith('worker-'),
      );
      await Promise.all(
        fleets.map(async (fleet = []) => {
          for (const member of fleet) exits[member.name] = await restart(member, timeline);
        }),
      );
      stripe.faults.random(undefined);
      sendgrid.faults.random(undefined);
    },
  });

  expect(report.violations).toEqual([]);
  expect(exits).toEqual({
    'worker-money-1': 0,
    'worker-money-2': 0,
    'worker-communication-1': 0,
    'worker-communication-2': 0,
    'worker-background-1': 0,
  });
  expect(report.figures).toMatchObject({ 'crashes counted': 0, 'attempts beyond the first': 0 });
  // Some were stopped in the middle of a job: else nothing was proven.
  expect(report.figures['money jobs given back']).toBeGreaterThan(0);
});

/** @throws Error while fewer money jobs than these run */
async function inHand({ db }: Cluster, atLeast: number): Promise<void> {
  const [row] = await db.query<{ count: number }>(
    '',
    "SELECT count(*)::int AS count FROM critical_jobs WHERE status = 'processing'",
  );
  expect(row?.count).toBeGreaterThanOrEqual(atLeast);
}

/** SIGTERM, the end, and a new process that says it runs. Answers 0, or how the first ended and what it said last. */
async function restart({ name, app, victim }: Member, timeline: Timeline): Promise<0 | string> {
  const over = timeline.note(name, 'rolling restart');
  const starts = () => victim.output().split(`${app} is running`).length;
  const before = starts();
  const code = await victim.stop(30_000);
  const said = victim.output().slice(-2_000);
  victim.start();
  await vi.waitFor(() => expect(starts(), victim.output().slice(-1_000)).toBe(before + 1), {
    ...{ timeout: 60_000, interval: 50 },
  });
  over();
  return code === 0 ? 0 : `exit ${code}: ${said}`;
}
