import type { FlowRow, StepForRetry } from '@queue-service/persistence';

/** How a flow goes on. */
export interface RetryPlan {
  status: FlowRow['status'];
  /** Steps whose job starts again, under its own id. */
  revive: StepForRetry[];
  /** Steps that wait again. */
  reset: StepForRetry[];
  /** Compensations that start again. */
  compensations: StepForRetry[];
}

type Planned = RetryPlan | { refused: string };

/** A failed flow goes on where it failed: with the steps it died of, or with the compensations that failed. */
export function planRetry(flow: FlowRow, steps: readonly StepForRetry[]): Planned {
  switch (flow.status) {
    case 'completed':
      return { refused: 'The flow is completed' };
    case 'compensated':
      return { refused: 'What the flow did has been undone; it can only be posted anew' };
    case 'cancelled':
      return { refused: 'The flow was cancelled; it can only be posted anew' };
    case 'running':
    case 'compensating':
      return { refused: `The flow is ${flow.status}; it can be retried when it has failed` };
    case 'failed':
  }
  // What is partly undone cannot go on forwards.
  if (steps.some(({ compensationStatus }) => compensationStatus !== null)) {
    const compensations = steps.filter(({ compensationStatus }) => compensationStatus === 'failed');
    return { status: 'compensating', revive: [], reset: [], compensations };
  }
  const dead = steps.filter((step) => hasFailed(step) && step.onFailure !== 'continue');
  return {
    status: 'running',
    revive: dead.filter(({ jobId }) => jobId !== null),
    reset: steps.filter((step) => step.status === 'skipped' || (step.jobId === null && dead.includes(step))),
    compensations: [],
  };
}

/**
 * One dead job of a flow starts again. One that the flow died of takes the flow with it; one that the flow survived
 * (`onFailure: continue`) runs alone, and what came after it is not run again.
 */
export function planRedrive(flow: FlowRow, steps: readonly StepForRetry[], jobId: string): Planned {
  const survived = steps.find((step) => step.jobId === jobId && hasFailed(step) && step.onFailure === 'continue');
  if (survived !== undefined && (flow.status === 'running' || flow.status === 'completed')) {
    return { status: flow.status, revive: [survived], reset: [], compensations: [] };
  }
  const plan = planRetry(flow, steps);
  if ('refused' in plan) return plan;
  const starts =
    plan.revive.some((step) => step.jobId === jobId) ||
    plan.compensations.some(({ compensationJobId }) => compensationJobId === jobId);
  return starts ? plan : { refused: 'The flow did not fail by this job, or has been undone since' };
}

function hasFailed({ status }: StepForRetry): boolean {
  return status === 'failed' || status === 'cancelled';
}
