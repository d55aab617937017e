import type { FlowStatus, StepStatus } from '@queue-service/contracts';

/** What the progress of a flow is decided from. */
export interface StepState {
  name: string;
  status: StepStatus;
  dependsOn: readonly string[];
  onFailure: 'fail' | 'continue' | 'compensate';
  compensable: boolean;
  compensationStatus: 'pending' | 'completed' | 'failed' | null;
  finishedAt: Date | null;
  position: number;
}

/** What is to be done next. */
export interface Advance {
  status: FlowStatus;
  finished: boolean;
  /** Steps whose job is to be made now. */
  release: string[];
  /** Steps that will not run any more. */
  skip: string[];
  /** Steps that were released and must not start if that can still be prevented. */
  cancel: string[];
  /** The step whose compensation is to be started. */
  compensate: string | null;
}

const isOpen = (step: StepState) => step.status === 'pending' || step.status === 'processing';

/**
 * The next move of a flow, from the states of its steps alone: the same states give the same move, so it may be asked
 * again after any crash. A step whose `onFailure` is `continue` counts as ended when it failed.
 */
export function advance(status: FlowStatus, steps: readonly StepState[]): Advance {
  const still: Advance = { status, finished: false, release: [], skip: [], cancel: [], compensate: null };
  switch (status) {
    case 'running':
      return steps.some(kills) ? dying(still, steps) : running(still, steps);
    case 'compensating':
      return compensating(still, steps);
    case 'cancelled':
      return {
        ...still,
        finished: !steps.some(isOpen),
        skip: names(steps.filter((step) => step.status === 'waiting')),
        cancel: names(steps.filter(isOpen)),
      };
    case 'completed':
    case 'failed':
    case 'compensated':
      return { ...still, finished: true };
  }
}

/** A step that ended in a way its flow does not survive. */
function kills(step: StepState): boolean {
  return (step.status === 'failed' && step.onFailure !== 'continue') || step.status === 'cancelled';
}

function running(still: Advance, steps: readonly StepState[]): Advance {
  const ended = new Set(steps.filter((step) => step.status !== 'waiting' && !isOpen(step)).map((step) => step.name));
  if (ended.size === steps.length) return { ...still, status: 'completed', finished: true };
  const ready = steps.filter((step) => step.status === 'waiting' && step.dependsOn.every((name) => ended.has(name)));
  return { ...still, release: names(ready) };
}

/** Nothing new starts; what runs may end; then what was done is undone, where the dead step asks for it. */
function dying(still: Advance, steps: readonly StepState[]): Advance {
  const open = steps.filter(isOpen);
  const skip = names(steps.filter((step) => step.status === 'waiting'));
  if (open.length > 0) return { ...still, skip, cancel: names(open) };
  const undo = steps.some((step) => kills(step) && step.onFailure === 'compensate');
  const first = undo ? nextCompensation(steps) : null;
  if (first === null) return { ...still, skip, status: 'failed', finished: true };
  return { ...still, skip, status: 'compensating', compensate: first };
}

/** One after the other, so that a later effect is undone before the earlier one that it stands on. */
function compensating(still: Advance, steps: readonly StepState[]): Advance {
  if (steps.some((step) => step.compensationStatus === 'pending')) return still;
  const next = nextCompensation(steps);
  if (next !== null) return { ...still, compensate: next };
  const failed = steps.some((step) => step.compensationStatus === 'failed');
  return { ...still, status: failed ? 'failed' : 'compensated', finished: true };
}

function nextCompensation(steps: readonly StepState[]): string | null {
  const due = steps.filter(
    (step) => step.status === 'completed' && step.compensable && step.compensationStatus === null,
  );
  const [last] = due.sort(
    (a, b) => (b.finishedAt?.getTime() ?? 0) - (a.finishedAt?.getTime() ?? 0) || b.position - a.position,
  );
  return last?.name ?? null;
}

function names(steps: readonly StepState[]): string[] {
  return steps.map((step) => step.name);
}
