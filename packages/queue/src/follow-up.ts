import { contractOf, type JobType } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import {
  type Database,
  listOwedSteps,
  markDeliveriesDispatched,
  markStepsDispatched,
  type OwedDelivery,
  type OwedStep,
} from '@queue-service/persistence';
import type { Dispatcher } from './dispatch.ts';
import type { FollowUp } from './ends.ts';
import { newEnvelope } from './envelope.ts';

/** Puts released steps of flows that have no row in the ledger into their queues, and marks them so. */
export async function dispatchOwedSteps(
  db: Database,
  dispatch: Dispatcher,
  steps: readonly OwedStep[],
  now: Date,
): Promise<void> {
  for (const queue of ['communication', 'background'] as const) {
    const mine = steps.filter((step) => contractOf(step.type as JobType).queue === queue);
    if (mine.length === 0) continue;
    await dispatch(
      queue,
      mine.map((step) => {
        const policy = contractOf(step.type as JobType).policy;
        const delayMs = step.options.delayMs ?? 0;
        const priority = step.options.priority ?? policy.priority;
        return {
          id: step.jobId,
          type: step.type as JobType,
          priority,
          tenantId: step.tenantId,
          delayMs,
          data: newEnvelope({
            tenantId: step.tenantId,
            payload: step.payload,
            payloadVersion: step.payloadVersion,
            priority,
            maxAttempts: step.options.attempts ?? policy.attempts,
            timeoutMs: step.options.timeoutMs ?? policy.timeoutMs,
            requestId: step.requestId,
            traceId: step.traceId,
            flow: { flowId: step.flowId, step: step.name },
            createdAt: now.getTime(),
            scheduledFor: delayMs > 0 ? now.getTime() + delayMs : null,
          }),
        };
      }),
    );
    await markStepsDispatched(db, mine);
  }
}

/** Makes the jobs that deliver webhooks. A delivery's job has its id, so a repeat makes no second one. */
export async function dispatchDeliveries(
  db: Database,
  dispatch: Dispatcher,
  deliveries: readonly OwedDelivery[],
  now: Date,
): Promise<void> {
  const contract = contractOf('deliver-webhook');
  await dispatch(
    contract.queue,
    deliveries.map(({ id, tenantId }) => ({
      id,
      type: contract.type,
      priority: contract.policy.priority,
      tenantId,
      delayMs: 0,
      data: newEnvelope({
        tenantId,
        payload: { deliveryId: id },
        payloadVersion: contract.version,
        priority: contract.policy.priority,
        maxAttempts: contract.policy.attempts,
        timeoutMs: contract.policy.timeoutMs,
        createdAt: now.getTime(),
      }),
    })),
  );
  await markDeliveriesDispatched(
    db,
    deliveries.map(({ id }) => id),
  );
}

/** Does at once what an end made due. What fails is only told: the relay finds it within seconds. */
export function createFollowUp(db: Database, dispatch: Dispatcher, log: Logger, now: () => Date): FollowUp {
  const attempt = async (what: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      log.warn({ err: error }, `${what} could not be dispatched; the relay will do it`);
    }
  };
  return async ({ money, flowIds, deliveries }) => {
    if (money.length > 0) {
      await attempt('Money steps', () =>
        dispatch(
          'money',
          money.map((job) => ({
            id: job.id,
            type: job.type as JobType,
            priority: job.priority,
            tenantId: job.tenantId,
            delayMs: job.delayMs,
            data: {},
          })),
        ),
      );
    }
    for (const flowId of new Set(flowIds)) {
      await attempt('Steps', async () =>
        dispatchOwedSteps(db, dispatch, await listOwedSteps(db, { flowId, all: false, limit: 5_000 }), now()),
      );
    }
    if (deliveries.length > 0) await attempt('Webhooks', () => dispatchDeliveries(db, dispatch, deliveries, now()));
  };
}
