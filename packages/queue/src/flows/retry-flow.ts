import type { FlowResource } from '@queue-service/contracts';
import {
  changeFlow,
  type Database,
  type FlowRow,
  findCriticalJobs,
  listOwedSteps,
  listStepsForRetry,
  lockFlow,
  markStepsDispatched,
  resetSteps,
  resolveLettersOf,
  reviveCompensations,
  reviveCriticalJob,
  reviveHistoryJob,
  reviveSteps,
  type Sealer,
  type Sql,
  type StepForRetry,
} from '@queue-service/persistence';
import type { EndRecorder } from '../ends.ts';
import type { Connections } from '../redis/connections.ts';
import { JobNotEndedError, takeEndedJob } from '../revive.ts';
import type { FlowNote } from './cancel-flow.ts';
import { envelopeStep, type StepDispatcher } from './dispatch-steps.ts';
import { dueOf, type FlowEngine } from './flow-engine.ts';
import { moveFlow } from './move-flow.ts';
import { planRedrive, planRetry, type RetryPlan } from './plan-retry.ts';

export type FlowRetry =
  | { outcome: 'retried'; flow: FlowResource }
  | { outcome: 'refused'; reason: string }
  | { outcome: 'not_found' };

/**
 * Resumes a failed flow: the jobs it died of start again under their own ids, so that what they did before is found out
 * before anything is sent; steps that were skipped wait for them again; what was completed stays. Where compensations
 * failed, these start again. Dead letters of what starts again are resolved with it.
 * @param which the flow as a whole, or by a dead job of it
 * @param tenantId null may retry all
 * @param by who is named in the dead letters
 * @throws QueueUnavailableError while a Redis that has to take a job is away; nothing is changed then
 */
export type RetryFlow = (
  which: { flowId: string; jobId?: string },
  tenantId: string | null,
  by: string,
  note?: FlowNote,
) => Promise<FlowRetry>;

export interface RetryFlowParts {
  db: Database;
  sealer: Sealer;
  connections: Connections;
  dispatchSteps: StepDispatcher;
  flows: FlowEngine;
  ends: EndRecorder;
  now: () => Date;
}

export function createRetryFlow(parts: RetryFlowParts): RetryFlow {
  const { db, sealer, flows, ends, now } = parts;
  return async ({ flowId, jobId }, tenantId, by, note = async () => {}) => {
    const done = await db
      .transaction(async (sql) => {
        const flow = await lockFlow(sql, flowId, tenantId);
        if (flow === null) return { outcome: 'not_found' as const };
        const steps = await listStepsForRetry(sql, flowId);
        const plan = jobId === undefined ? planRetry(flow, steps) : planRedrive(flow, steps, jobId);
        if ('refused' in plan) return { outcome: 'refused' as const, reason: plan.refused };
        const moneyIds = await revive(parts, sql, flow, plan, by);
        const resumes = plan.status !== flow.status;
        const resumed = resumes
          ? await changeFlow(sql, flowId, { status: plan.status, error: null, finished: false })
          : flow;
        await note(sql, flow, resumed);
        const due = await dueOf(sql, await moveFlow(sql, resumed, null, sealer), now());
        return { outcome: 'retried' as const, moneyIds, due };
      })
      .catch((error: unknown) => {
        if (error instanceof JobNotEndedError) return { outcome: 'refused' as const, reason: error.message };
        throw error;
      });
    if (done.outcome !== 'retried') return done;
    const revived = await findCriticalJobs(db, done.moneyIds);
    const money = [...done.due.money, ...revived.map((row) => ({ ...row, delayMs: 0 }))];
    await ends.followUp({ ...done.due, money });
    const flow = await flows.find(flowId, tenantId);
    return flow === null ? { outcome: 'not_found' } : { outcome: 'retried', flow };
  };
}

/** The rows of what starts again; and, as the last step before the commit, the jobs of Redis. Answers the money jobs. */
async function revive(parts: RetryFlowParts, sql: Sql, flow: FlowRow, plan: RetryPlan, by: string): Promise<string[]> {
  const jobs = [
    ...plan.revive.map(({ queue, jobId: id }) => ({ queue, id })),
    ...plan.compensations.map(({ compensationQueue: queue, compensationJobId: id }) => ({ queue, id })),
  ].flatMap(({ queue, id }) => (id === null ? [] : [{ queue, id }]));
  const moneyIds: string[] = [];
  for (const { queue, id } of jobs) {
    if (queue !== 'money') await reviveHistoryJob(sql, id);
    else if (await reviveCriticalJob(sql, id)) moneyIds.push(id);
    else throw new JobNotEndedError();
  }
  await resolveLettersOf(
    sql,
    jobs.map(({ id }) => id),
    by,
  );
  const names = (steps: readonly StepForRetry[]) => steps.map(({ name }) => name);
  const made = (step: StepForRetry) => step.compensationJobId !== null;
  await reviveSteps(sql, flow.id, names(plan.revive));
  await resetSteps(sql, flow.id, names(plan.reset));
  await reviveCompensations(sql, flow.id, names(plan.compensations.filter(made)), false);
  await reviveCompensations(sql, flow.id, names(plan.compensations.filter((step) => !made(step))), true);
  await startInRedis(parts, sql, flow.id);
  return moneyIds;
}

async function startInRedis({ connections, dispatchSteps, now }: RetryFlowParts, sql: Sql, flowId: string) {
  const owed = await listOwedSteps(sql, flowId);
  for (const step of owed) {
    const dispatch = envelopeStep(step, now());
    const old = await takeEndedJob(connections, dispatch.queue, step.jobId);
    await dispatchSteps([{ ...dispatch, data: { ...dispatch.data, effects: old?.effects ?? {} } }]);
  }
  await markStepsDispatched(sql, owed);
}
