import type { QueueName } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import type { Database } from '@queue-service/persistence';
import { coalesce } from '../coalesce.ts';
import { whileDatabaseAvailable } from '../database-availability.ts';
import type { Acceptance, Producer } from '../new-job.ts';
import { acceptIntoRedis, type HistoryAcceptParts } from './accept-history.ts';
import { acceptIntoLedger, acceptTogether } from './accept-ledger.ts';
import { type PreparedJob, prepareJob } from './prepare.ts';

export interface ProducerParts extends HistoryAcceptParts {
  db: Database;
  log: Logger;
}

const limits = { maxBatch: 500, maxInFlight: 4 };

/**
 * Takes jobs in. Single jobs of one tick share one INSERT and one addBulk; a batch is accepted as a whole or not at all.
 * A money job is accepted when its row is committed, also while Redis is away: the relay dispatches it then.
 */
export function createProducer(parts: ProducerParts): Producer {
  const { db, sealer } = parts;

  const dispatchMoney = async (jobs: readonly PreparedJob[], answers: readonly Acceptance[]) => {
    const fresh = jobs.filter((_, index) => answers[index]?.outcome === 'created');
    try {
      await parts.dispatch('money', fresh.map(moneyDispatch));
    } catch (error) {
      parts.log.warn(
        { err: error, jobs: fresh.length },
        'Money jobs are accepted but Redis does not take them; the relay will dispatch them',
      );
    }
  };

  const money = coalesce<PreparedJob, Acceptance>(async (jobs) => {
    const answers = await whileDatabaseAvailable(() => acceptIntoLedger(db, sealer, jobs));
    await dispatchMoney(jobs, answers);
    return answers;
  }, limits);
  const toRedis = (queue: QueueName) =>
    coalesce<PreparedJob, Acceptance>(
      (jobs) => acceptEach(jobs, (some) => acceptIntoRedis(parts, queue, some)),
      limits,
    );
  const communication = toRedis('communication');
  const background = toRedis('background');
  const single = { money, communication, background };

  return {
    accept: async (jobs) => {
      const prepared = jobs.map(prepareJob);
      const [first] = prepared;
      if (prepared.length === 1 && first !== undefined) return [await single[first.contract.queue](first)];
      return acceptBatch(parts, prepared, dispatchMoney);
    },
  };
}

/**
 * Single jobs that share a round must not decide each other's fate: one that meets a key used for something else is told
 * so, and the others are added without it.
 */
async function acceptEach(
  jobs: PreparedJob[],
  accept: (jobs: PreparedJob[]) => Promise<Acceptance[]>,
): Promise<Acceptance[]> {
  const answers = await accept(jobs);
  const reused = new Set(jobs.filter((_, index) => answers[index]?.outcome === 'key_reused'));
  if (reused.size === 0) return answers;
  const others = jobs.filter((job) => !reused.has(job));
  const again = others.length === 0 ? [] : await acceptEach(others, accept);
  return jobs.map((job, index) =>
    reused.has(job) ? (answers[index] as Acceptance) : (again[others.indexOf(job)] as Acceptance),
  );
}

/** Money rows stay uncommitted until the other queues have taken theirs, so that all are accepted or none. */
async function acceptBatch(
  parts: ProducerParts,
  jobs: readonly PreparedJob[],
  dispatchMoney: (jobs: readonly PreparedJob[], answers: readonly Acceptance[]) => Promise<void>,
): Promise<Acceptance[]> {
  const of = (queue: QueueName) => jobs.filter((job) => job.contract.queue === queue);
  const answers = new Map<PreparedJob, Acceptance>();
  const note = (some: readonly PreparedJob[], got: readonly Acceptance[]) => {
    some.forEach((job, index) => {
      answers.set(job, got[index] as Acceptance);
    });
    return [...got];
  };
  const others = async () => {
    for (const queue of ['communication', 'background'] as const) {
      const some = of(queue);
      if (some.length > 0 && ![...answers.values()].some((answer) => answer.outcome === 'key_reused')) {
        note(some, await acceptIntoRedis(parts, queue, some));
      }
    }
  };
  const money = of('money');
  if (money.length === 0) await others();
  else {
    await whileDatabaseAvailable(() =>
      acceptTogether(parts.db, async (sql) => {
        note(money, await acceptIntoLedger(sql, parts.sealer, money));
        await others();
        return [...answers.values()];
      }),
    );
    if (![...answers.values()].some((answer) => answer.outcome === 'key_reused')) {
      await dispatchMoney(
        money,
        money.map((job) => answers.get(job) as Acceptance),
      );
    }
  }
  return jobs.flatMap((job) => answers.get(job) ?? []);
}

function moneyDispatch(job: PreparedJob) {
  return {
    id: job.id,
    type: job.contract.type,
    priority: job.priority,
    tenantId: job.tenantId,
    delayMs: job.delayMs,
    data: {},
  };
}
