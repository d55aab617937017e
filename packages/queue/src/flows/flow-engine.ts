import {
  canonicalJson,
  contractOf,
  type FlowPlan,
  type FlowResource,
  type JobResource,
} from '@queue-service/contracts';
import {
  changeSteps,
  type Database,
  type FlowRow,
  findFlow,
  findFlowByKey,
  insertFlow,
  type ListFilter,
  listFlowSteps,
  listFlows,
  lockFlow,
  type NewFlowStep,
  type Sealer,
  type Sql,
  type StepChange,
  type WebhookEvent,
} from '@queue-service/persistence';
import { newId } from '../ids.ts';
import { type Page, type PageRequest, pageOf } from '../page.ts';
import { requestHash } from '../request-hash.ts';
import { flowResource } from './flow-resource.ts';
import { type FlowMove, moveFlow } from './flow-steps.ts';

export interface NewFlowRequest {
  plan: FlowPlan;
  tenantId: string;
  idempotencyKey: string | null;
  webhookUrl: string | null;
  requestId: string | null;
  traceId: string | null;
}

export type FlowAcceptance =
  | { outcome: 'created'; flow: FlowResource; move: FlowMove }
  | { outcome: 'replayed'; flow: FlowResource }
  | { outcome: 'key_reused'; flowId: string };

/** How a job of a flow ended. */
export type StepEnd = Pick<JobResource, 'id' | 'attempts' | 'startedAt' | 'result' | 'error'> & {
  status: 'completed' | 'failed' | 'cancelled';
};

/**
 * Workflows, with `flows` and `flow_steps` as their truth. Every move is made in a transaction under the lock on the
 * flow's row, so ends of parallel steps, repeats and crashes all lead to the same graph. Redis only dispatches.
 */
export interface FlowEngine {
  create(request: NewFlowRequest): Promise<FlowAcceptance>;
  /** Records the end of a step's job, or of its compensation's, and moves the flow. Null when it was recorded before. */
  stepEnded(sql: Sql, flowId: string, step: string, end: StepEnd): Promise<FlowMove | null>;
  /** @param tenantId null sees all */
  find(id: string, tenantId: string | null): Promise<FlowResource | null>;
  /** Newest first, without their steps. */
  list(filter: Omit<ListFilter, 'tenantId'>, tenantId: string | null, page: PageRequest): Promise<Page<FlowSummary>>;
}

export type FlowSummary = Omit<FlowResource, 'steps'>;

export function createFlowEngine(db: Database, sealer: Sealer, now: () => Date): FlowEngine {
  const resource = async (sql: Sql, flow: FlowRow) => flowResource(flow, await listFlowSteps(sql, flow.id));

  return {
    create: async (request) => {
      const id = newId();
      const hash = requestHash(canonicalJson(request.plan));
      const { plan, ...meta } = request;
      const created = await db.transaction(async (sql) => {
        const row = { id, name: plan.name, template: plan.template, requestHash: hash, ...meta };
        if (!(await insertFlow(sql, row, newSteps(plan, sealer)))) return null;
        const flow = (await lockFlow(sql, id)) as FlowRow;
        const move = await moveFlow(sql, flow, sealer, now);
        return { move, flow: await resource(sql, move.flow) };
      });
      if (created !== null) return { outcome: 'created', ...created };
      const first = await findFlowByKey(db, request.tenantId, request.idempotencyKey ?? '');
      if (first === null) throw new Error('the flow that holds the idempotency key is gone');
      if (first.requestHash !== hash) return { outcome: 'key_reused', flowId: first.id };
      return { outcome: 'replayed', flow: await resource(db, first) };
    },

    stepEnded: async (sql, flowId, name, end) => {
      const flow = await lockFlow(sql, flowId);
      if (flow === null) return null;
      const step = (await listFlowSteps(sql, flowId)).find((candidate) => candidate.name === name);
      const change = step === undefined ? null : stepChange(step, end, now());
      if (change === null) return null;
      await changeSteps(sql, flowId, [change]);
      return moveFlow(sql, flow, sealer, now);
    },

    find: async (id, tenantId) => {
      const flow = await findFlow(db, id);
      return flow === null || (tenantId !== null && flow.tenantId !== tenantId) ? null : resource(db, flow);
    },

    list: async (filter, tenantId, page) =>
      pageOf(await listFlows(db, { ...filter, tenantId }, page.after, page.limit + 1), page.limit, (row) => {
        const { steps: _, ...summary } = flowResource(row, []);
        return summary;
      }),
  };
}

/** Null when this end is known already, or is of a job that the step has no longer. */
function stepChange(
  step: {
    name: string;
    status: string;
    jobId: string | null;
    compensationJobId: string | null;
    compensationStatus: string | null;
  },
  end: StepEnd,
  at: Date,
): StepChange | null {
  if (end.id === step.compensationJobId) {
    if (step.compensationStatus !== 'pending') return null;
    const done = end.status === 'completed';
    return {
      name: step.name,
      compensationStatus: done ? 'completed' : 'failed',
      compensationResult: end.result ?? { error: end.error },
    };
  }
  if (end.id !== step.jobId || (step.status !== 'pending' && step.status !== 'processing')) return null;
  return {
    name: step.name,
    status: end.status,
    attempts: end.attempts,
    result: end.result,
    error: end.error,
    startedAt: end.startedAt,
    finishedAt: at.toISOString(),
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

/** What a tenant's endpoints hear of the end of a flow. */
export function flowEvent(flow: FlowRow, at: Date): WebhookEvent {
  const type = `flow.${flow.status}`;
  return {
    tenantId: flow.tenantId,
    type,
    subjectId: flow.id,
    webhookUrl: flow.webhookUrl,
    body: {
      type,
      timestamp: at.toISOString(),
      data: {
        id: flow.id,
        name: flow.name,
        template: flow.template,
        status: flow.status,
        tenantId: flow.tenantId,
        error: flow.error,
      },
    },
  };
}
