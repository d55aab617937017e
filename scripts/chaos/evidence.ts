import type { Cluster } from './cluster.ts';
import type { Acknowledged } from './producer.ts';
import { readWitness, type WitnessedMove } from './witness.ts';

export interface MoneyRow {
  id: string;
  type: string;
  status: string;
  attempts: number;
  crashes: number;
  result: Record<string, unknown> | null;
}

export interface LaterRow {
  id: string;
  status: string;
}

export interface FlowRow {
  id: string;
  status: string;
  steps: {
    name: string;
    status: string;
    dependsOn: string[];
    jobId: string | null;
    startedAt: number | null;
    finishedAt: number | null;
    compensationStatus: string | null;
  }[];
}

export interface FireRow {
  scheduleId: string;
  everyMs: number;
  /** Epoch milliseconds. */
  fireAt: number;
  status: string;
  jobId: string | null;
  jobStatus: string | null;
}

/** An effect that a provider really made, by the job that asked for it. */
export interface ProviderEffect {
  kind: 'charge' | 'refund' | 'mint' | 'mail';
  id: string;
  jobId: string | null;
  /** Minor units; null where there is none. */
  amount: number | null;
  currency: string | null;
}

export interface LedgerSum {
  operation: string;
  currency: string;
  amount: number;
}

/** All that is known at the end of a run, gathered past the service: from the database, the providers, the producer, the logs. */
export interface Evidence {
  acknowledged: readonly Acknowledged[];
  money: readonly MoneyRow[];
  /** History of communication and background jobs. */
  later: readonly LaterRow[];
  /** Jobs with a dead letter. */
  letters: readonly string[];
  flows: readonly FlowRow[];
  fires: readonly FireRow[];
  effects: readonly ProviderEffect[];
  /** Confirmed effects in the ledger. */
  sums: readonly LedgerSum[];
  /** Subjects (jobs) that the receiver of webhooks heard of. */
  heardOf: readonly string[];
  /** Waiting and active jobs that the queues still hold. */
  left: Readonly<Record<string, number>>;
  moves: readonly WitnessedMove[];
  logs: Readonly<Record<string, string>>;
  secrets: readonly string[];
  /** When Redis lost its data, epoch milliseconds. */
  dataLostAt: readonly number[];
  /** How far the clocks of two processes are apart at most: times that they wrote tell no finer order. */
  skewMs: number;
}

export async function gather(
  cluster: Cluster,
  acknowledged: readonly Acknowledged[],
  dataLostAt: readonly number[],
  left: Readonly<Record<string, number>>,
): Promise<Evidence> {
  const { db, providers, secrets, members, skewMs } = cluster;
  const steps = await db.query<FlowRow['steps'][number] & { flowId: string; flowStatus: string }>(
    '',
    `SELECT f.id AS "flowId", f.status AS "flowStatus", s.name, s.status, s.depends_on AS "dependsOn", s.job_id AS "jobId",
       extract(epoch FROM s.started_at)::float8 * 1000 AS "startedAt",
       extract(epoch FROM s.finished_at)::float8 * 1000 AS "finishedAt",
       s.compensation_status AS "compensationStatus"
     FROM flows f JOIN flow_steps s ON s.flow_id = f.id ORDER BY f.id, s.position`,
  );
  const flows = Map.groupBy(steps, (step) => step.flowId);
  const bodies = providers.sandbox.alerts
    .hooks('ends')
    .map((hook) => JSON.parse(hook.body) as { data: { id: string } });
  return {
    acknowledged,
    dataLostAt,
    left,
    skewMs,
    money: await db.query('', 'SELECT id, type, status, attempts, crashes, result FROM critical_jobs'),
    later: await db.query('', 'SELECT id, status FROM jobs'),
    letters: (await db.query<{ jobId: string }>('', 'SELECT job_id AS "jobId" FROM dead_letters')).map(
      (row) => row.jobId,
    ),
    flows: [...flows].map(([id, own]) => ({ id, status: own[0]?.flowStatus ?? '', steps: own })),
    fires: await db.query(
      '',
      `SELECT f.schedule_id AS "scheduleId", s.every_ms::float8 AS "everyMs",
         extract(epoch FROM f.fire_at)::float8 * 1000 AS "fireAt", f.status, f.job_id AS "jobId", j.status AS "jobStatus"
       FROM schedule_fires f JOIN schedules s ON s.id = f.schedule_id LEFT JOIN jobs j ON j.id = f.job_id
       ORDER BY f.schedule_id, f.fire_at`,
    ),
    effects: providerEffects(cluster),
    sums: await db.query(
      '',
      `SELECT operation, currency, sum(amount)::float8 AS amount FROM effects
       WHERE provider = 'stripe' AND status = 'confirmed' AND origin = 'job' AND response->>'status' = 'succeeded'
       GROUP BY operation, currency`,
    ),
    heardOf: bodies.map((body) => body.data.id),
    moves: await readWitness(db),
    logs: Object.fromEntries(members.map(({ name, victim }) => [name, victim.output()])),
    secrets: Object.entries(secrets).flatMap(([name, value]) => (name === 'vapidPublicKey' ? [] : [value])),
  };
}

interface StripeObject {
  id: string;
  status: string;
  amount: number;
  currency: string;
  metadata: Record<string, string>;
}

function providerEffects({ providers }: Cluster): ProviderEffect[] {
  const { sandbox, solana } = providers;
  const stripe = (object: 'payment_intent' | 'refund', kind: ProviderEffect['kind']) =>
    (sandbox.stripe.all(object) as unknown as StripeObject[])
      .filter(({ status }) => status === 'succeeded')
      .map(({ id, amount, currency, metadata }): ProviderEffect => {
        return { kind, id, jobId: metadata['queue_job_id'] ?? null, amount, currency };
      });
  const plain = (kind: 'mint' | 'mail') => (effect: { id: string; jobId: string | null }) => ({
    ...{ kind, id: effect.id, jobId: effect.jobId, amount: null, currency: null },
  });
  return [
    ...stripe('payment_intent', 'charge'),
    ...stripe('refund', 'refund'),
    ...solana.effects.list({ kind: 'mint' }).map(plain('mint')),
    ...sandbox.sendgrid.effects.list({ kind: 'mail' }).map(plain('mail')),
  ];
}
