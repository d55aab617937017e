import { contractOf } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import { type Database, listOwedSteps, markDeliveriesDispatched, type OwedDelivery } from '@queue-service/persistence';
import type { CancelJob } from './cancel/cancel-job.ts';
import type { Dispatcher } from './dispatch.ts';
import type { FollowUp } from './ends.ts';
import { storedEnvelope } from './envelope.ts';
import { dispatchOwedSteps, moneyStep, type StepDispatcher } from './flows/dispatch-steps.ts';

/** Makes the jobs that deliver webhooks. Their ids follow from the deliveries, so a repeat makes no second one. */
export async function dispatchDeliveries(
  db: Database,
  dispatch: Dispatcher,
  deliveries: readonly OwedDelivery[],
  now: Date,
): Promise<void> {
  const contract = contractOf('deliver-webhook');
  await dispatch(
    contract.queue,
    deliveries.map(({ id, tenantId, jobId }) => ({
      id: jobId,
      type: contract.type,
      priority: contract.policy.priority,
      tenantId,
      delayMs: 0,
      data: storedEnvelope({
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

export interface FollowUpParts {
  db: Database;
  dispatch: Dispatcher;
  dispatchSteps: StepDispatcher;
  cancelJob: CancelJob;
  log: Logger;
  now: () => Date;
}

/** Jobs cancelled at once by who noticed that their flow died; he has other work, and the scheduler does the rest. */
const mostCancels = 50;

/** Does at once what an end made due. What fails is only told: the relay finds it within seconds. */
export function createFollowUp(parts: FollowUpParts): FollowUp {
  const { db, dispatch, dispatchSteps, cancelJob, log, now } = parts;
  const attempt = async (what: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      log.warn({ err: error }, `${what} could not be dispatched; the relay will do it`);
    }
  };
  return async ({ money, flowIds, deliveries, cancelJobs }) => {
    if (money.length > 0) await attempt('Money steps', () => dispatchSteps(money.map(moneyStep)));
    for (const flowId of new Set(flowIds)) {
      await attempt('Steps', async () => dispatchOwedSteps(db, dispatchSteps, await listOwedSteps(db, flowId), now()));
    }
    for (const id of cancelJobs.slice(0, mostCancels)) await attempt('A cancel', () => cancelJob(id, null));
    if (deliveries.length > 0) await attempt('Webhooks', () => dispatchDeliveries(db, dispatch, deliveries, now()));
  };
}
