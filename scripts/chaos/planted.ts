import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';
import { type ChaosOptions, type ChaosReport, runChaos } from './run.ts';

/**
 * A checker that finds nothing proves nothing: each of these builds lacks one safeguard, and must be found out by the
 * promise that is named.
 */
interface PlantedRun {
  finds: string;
  how: Pick<ChaosOptions, 'faults' | 'script'>;
}

export const plantedRuns: Readonly<Record<string, PlantedRun>> = {
  'no-reconcile': {
    finds: 'a money job has exactly one effect, or a dead letter and none',
    how: { faults: { kinds: [], stripe: { 'reset-after-work': 0.3 } } },
  },
  'no-fencing': {
    finds: 'only who holds a money job ends it',
    how: {
      script: async (cluster) => {
        const first = cluster.members.find(({ name }) => name === 'worker-money-1');
        // Slow enough that whoever takes over is still at work when the frozen one wakes up.
        const confirms = { method: 'POST', path: /\/confirm$/ };
        const rates = { delay: { rate: 1, ms: 4_000 } };
        cluster.providers.sandbox.stripe.faults.random({ seed: 1, match: confirms, rates });
        await untilMoved(cluster, `who = 'worker-money-1' AND became = 'processing'`, 5);
        // Their payments are under way by then: an answer that came while it was frozen is what it ends them with at once.
        await sleep(1_000);
        first?.victim.freeze();
        await untilMoved(cluster, `was = 'processing' AND became = 'processing'`, 1);
        first?.victim.thaw();
      },
    },
  },
  'lost-relay': {
    finds: 'a job comes to what was expected of it',
    how: { faults: { kinds: ['Redis restart without its data'], stripe: {} } },
  },
};

/** Runs a build with a planted fault: payments alone, on few processes. */
export async function runPlanted(name: string, seed: number): Promise<{ report: ChaosReport; found: boolean }> {
  const planted = plantedRuns[name];
  if (planted === undefined) throw new Error(`${name} is not one of ${Object.keys(plantedRuns).join(', ')}`);
  const report = await runChaos({
    ...planted.how,
    seed,
    requests: 60,
    forMs: 6_000,
    outageMs: 3_000,
    patienceMs: 12_000,
    historyLagMs: 0,
    load: 'payments',
    cluster: {
      sizes: { api: 1, 'worker-money': 2, scheduler: 1 },
      plant: [join(import.meta.dirname, 'planted', `${name}.ts`)],
      env: { STRIPE_TIMEOUT_MS: '20000' },
    },
  });
  return { report, found: report.violations.some(({ invariant }) => invariant === planted.finds) };
}

async function untilMoved({ db }: Cluster, condition: string, count: number): Promise<void> {
  for (const until = Date.now() + 120_000; Date.now() < until; await sleep(100)) {
    const moves = await db.query('', `SELECT FROM chaos.moves WHERE ${condition}`);
    if (moves.length >= count) return;
  }
  throw new Error(`within two minutes the database saw fewer than ${count} moves with ${condition}`);
}
