import { contractOf, type JobType, type QueueName } from '@queue-service/contracts';
import { type Database, markStepsDispatched, type NewCriticalJob, type OwedStep } from '@queue-service/persistence';
import { bullOptions, type Dispatch } from '../dispatch.ts';
import { storedEnvelope } from '../envelope.ts';
import type { TagSoon } from '../fairness/tag-soon.ts';
import { whileAvailable } from '../redis/availability.ts';
import type { Connections } from '../redis/connections.ts';

/** The job of a step on its way into Redis. */
export type StepDispatch = Dispatch & { queue: QueueName };

/**
 * Puts jobs of steps into their queues. One that is already there (same id) is left as it is, so a repeat does no harm.
 * @throws QueueUnavailableError
 */
export type StepDispatcher = (steps: readonly StepDispatch[]) => Promise<void>;

/** On their way at once. */
const inFlight = 200;

/**
 * By BullMQ's FlowProducer, each released step as the root of a tree of its own. The edges between steps stay in
 * `flow_steps`: a graph is not a tree, a step's payload exists only when the results that it names do, and what Redis
 * alone knew would be gone after a FLUSHALL. Not by its `addBulk`, which does not tell of jobs that Redis refused.
 */
export function createStepDispatcher(connections: Connections, tagSoon: TagSoon): StepDispatcher {
  return async (steps) => {
    for (let start = 0; start < steps.length; start += inFlight) {
      await Promise.all(
        steps.slice(start, start + inFlight).map((step) => {
          const { redis, prefix, flows } = connections.of(step.queue);
          const { queue: queueName, type: name, data } = step;
          const opts = bullOptions(queueName, step);
          return whileAvailable(redis, queueName, () => flows.add({ name, queueName, prefix, data, opts }));
        }),
      );
    }
    for (const { queue, priority } of steps) tagSoon(queue, [priority]);
  };
}

export function moneyStep(
  job: Pick<NewCriticalJob, 'id' | 'type' | 'priority' | 'tenantId' | 'delayMs'>,
): StepDispatch {
  const { id, priority, tenantId, delayMs } = job;
  return { queue: 'money', id, type: job.type as JobType, priority, tenantId, delayMs, data: {} };
}

/** A step of a queue outside the ledger. Its delay counts from when its job was made. */
export function envelopeStep(step: OwedStep, now: Date): StepDispatch {
  const { queue, type, policy } = contractOf(step.type as JobType);
  const priority = step.options.priority ?? policy.priority;
  const startAt = step.releasedAt.getTime() + (step.options.delayMs ?? 0);
  const { jobId: id, tenantId, payload, payloadVersion, requestId, traceId, traceparent } = step;
  return {
    ...{ queue, id, type, priority, tenantId },
    delayMs: Math.max(0, startAt - now.getTime()),
    data: storedEnvelope({
      ...{ tenantId, payload, payloadVersion, priority, requestId, traceId, traceparent },
      maxAttempts: step.options.attempts ?? policy.attempts,
      timeoutMs: step.options.timeoutMs ?? policy.timeoutMs,
      flow: { flowId: step.flowId, step: step.name },
      createdAt: step.releasedAt.getTime(),
      scheduledFor: startAt > now.getTime() ? startAt : null,
    }),
  };
}

/** Puts steps that have no row in the ledger into their queues, and marks them so. */
export async function dispatchOwedSteps(
  db: Database,
  dispatch: StepDispatcher,
  steps: readonly OwedStep[],
  now: Date,
): Promise<void> {
  if (steps.length === 0) return;
  await dispatch(steps.map((step) => envelopeStep(step, now)));
  await markStepsDispatched(db, steps);
}
