import { contractOf, type FlowPlan, type FlowResource, type JobResource } from '@queue-service/contracts';
import {
  type Database,
  endCompensations,
  endSteps,
  type FlowRow,
  findFlow,
  findFlowByKey,
  insertFlow,
  insertFlowSteps,
  insertWebhookDeliveries,
  type ListFilter,
  listFlowSteps,
  listFlows,
  lockFlow,
  type NewFlowStep,
  type Sealer,
  type Sql,
} from '@queue-service/persistence';
import type { Consequences } from '../ends.ts';
import { newId } from '../ids.ts';
import { type Page, type PageRequest, pageOf } from '../page.ts';
import type { Connections } from '../redis/connections.ts';
import { flowEvent } from './flow-event.ts';
import { flowResource } from './flow-resource.ts';
import { type FlowMove, moveFlow } from './move-flow.ts';
import { runningJobs } from './running-jobs.ts';

export interface NewFlowRequest {
  plan: FlowPlan;
  tenantId: string;
  idempotencyKey: string | null;
  /** Of what was posted, hex: the same key with another body is told apart, also when a template has changed since. */
  requestHash: string;
  webhookUrl: string | null;
  requestId: string | null;
  traceId: string | null;
  traceparent: string | null;
}

export type FlowAcceptance =
  | { outcome: 'created'; flow: FlowResource; due: Consequences }
  | { outcome: 'replayed'; flow: FlowResource }
  | { outcome: 'key_reused'; flowId: string };

/** How a job of a flow ended. */
export interface StepEnd {
  step: string;
  job: Pick<JobResource, 'id' | 'attempts' | 'startedAt' | 'result' | 'error'> & {
    status: 'completed' | 'failed' | 'cancelled';
  };
}

export type FlowSummary = Omit<FlowResource, 'steps'>;

/**
 * Workflows, with `flows` and `flow_steps` as their truth. Every move is made in a transaction under the lock on the
 * flow's row, so ends of parallel steps, repeats and crashes all lead to the same graph. Redis only dispatches.
 *
 * What an answer has as `due` is to be handed on; forgotten, the relay does it.
 */
export interface FlowEngine {
  create(request: NewFlowRequest): Promise<FlowAcceptance>;
  /** Records ends of jobs of one flow and moves it. Null when all of them were recorded before. */
  stepsEnded(sql: Sql, flowId: string, ends: readonly StepEnd[]): Promise<FlowMove | null>;
  /** @param tenantId null sees all */
  find(id: string, tenantId: string | null): Promise<FlowResource | null>;
  /** Newest first, without their steps. */
  list(filter: Omit<ListFilter, 'tenantId'>, tenantId: string | null, page: PageRequest): Promise<Page<FlowSummary>>;
}

export interface FlowParts {
  db: Database;
  sealer: Sealer;
  connections: Connections;
  now: () => Date;
}

export function createFlowEngine({ db, sealer, connections, now }: FlowParts): FlowEngine {
  const resource = async (sql: Sql, flow: FlowRow) => flowResource(flow, await listFlowSteps(sql, flow.id), new Map());

  return {
    create: async (request) => {
      const id = newId();
      const { plan, ...meta } = request;
      const created = await db.transaction(async (sql) => {
        const row = await insertFlow(sql, { id, name: plan.name, template: plan.template, ...meta });
        if (row === null) return null;
        await insertFlowSteps(sql, id, newSteps(plan, sealer));
        const move = await moveFlow(sql, row, [], sealer);
        return { due: await dueOf(sql, move, now()), flow: await resource(sql, move.flow) };
      });
      if (created !== null) return { outcome: 'created', ...created };
      const first = await findFlowByKey(db, request.tenantId, request.idempotencyKey ?? '');
      if (first === null) throw new Error('the flow that holds the idempotency key is gone');
      if (first.requestHash !== request.requestHash) return { outcome: 'key_reused', flowId: first.id };
      return { outcome: 'replayed', flow: await resource(db, first) };
    },

    stepsEnded: async (sql, flowId, ends) => {
      const flow = await lockFlow(sql, flowId, null);
      if (flow === null) return null;
      const records = ends.map(({ step, job: { id: jobId, ...end } }) => ({ ...end, name: step, jobId }));
      const ended = await endSteps(sql, flowId, records);
      const undone = await endCompensations(sql, flowId, records);
      return ended.length + undone === 0 ? null : moveFlow(sql, flow, ended, sealer);
    },

    find: async (id, tenantId) => {
      const flow = await findFlow(db, id, tenantId);
      if (flow === null) return null;
      const steps = await listFlowSteps(db, id);
      return flowResource(flow, steps, await runningJobs(db, connections, steps));
    },

    list: async (filter, tenantId, page) =>
      pageOf(await listFlows(db, { ...filter, tenantId }, page.after, page.limit + 1), page.limit, (row) => {
        const { steps: _, ...summary } = flowResource(row, [], new Map());
        return summary;
      }),
  };
}

/** What a move leaves to do, its event recorded. */
export async function dueOf(sql: Sql, move: FlowMove, at: Date): Promise<Consequences> {
  return {
    money: move.inserted,
    flowIds: move.owesSteps ? [move.flow.id] : [],
    cancelJobs: move.cancelJobs,
    deliveries: move.finished ? await insertWebhookDeliveries(sql, [flowEvent(move.flow, at)]) : [],
  };
}

function newSteps(plan: FlowPlan, sealer: Sealer): NewFlowStep[] {
  return plan.steps.map((step, position) => ({
    name: step.name,
    position,
    queue: step.queue,
    type: step.type,
    payload: sealer.seal(step.data, contractOf(step.type).personalData),
    payloadVersion: step.version,
    options: step.options,
    dependsOn: step.dependsOn,
    onFailure: step.onFailure,
    compensationType: step.compensation?.type ?? null,
    compensationQueue: step.compensation?.queue ?? null,
    compensationPayload:
      step.compensation === null
        ? null
        : sealer.seal(step.compensation.data, contractOf(step.compensation.type).personalData),
    compensationVersion: step.compensation?.version ?? null,
  }));
}
