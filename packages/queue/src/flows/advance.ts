import type { FlowStatus } from '@queue-service/contracts';
import type { FlowView } from '@queue-service/persistence';

/** What is to be done next. */
export interface Advance {
  status: FlowStatus;
  finished: boolean;
  /** Steps whose job is to be made now. */
  release: readonly string[];
  /** What waits will not run any more, and what was released must not start if that can still be prevented. */
  stop: boolean;
  /** The step whose compensation is to be started. */
  compensate: string | null;
}

/**
 * The next move of a flow that has not ended, from the states of its steps alone: the same states give the same move, so
 * it may be asked again after any crash. A step whose `onFailure` is `continue` counts as ended when it failed.
 */
export function advance(status: FlowStatus, view: FlowView): Advance {
  const still: Advance = { status, finished: false, release: [], stop: false, compensate: null };
  switch (status) {
    case 'running':
      if (view.dead) return dying(still, view);
      if (view.waiting || view.open) return { ...still, release: view.ready };
      return { ...still, status: 'completed', finished: true };
    case 'compensating':
      return undoing(still, view, true, 'compensated');
    case 'cancelled':
      if (view.open || view.waiting) return { ...still, stop: true };
      return undoing(still, view, view.undoIfCancelled, 'cancelled');
    case 'completed':
    case 'failed':
    case 'compensated':
      return still;
  }
}

/** Nothing new starts; what runs may end; then what was done is undone, where the dead step asks for it. */
function dying(still: Advance, view: FlowView): Advance {
  if (view.open || view.waiting) return { ...still, stop: true };
  if (!view.undo || view.nextCompensation === null) return { ...still, status: 'failed', finished: true };
  return { ...still, status: 'compensating', compensate: view.nextCompensation };
}

/** One after the other, so that a later effect is undone before the earlier one that it stands on. */
function undoing(still: Advance, view: FlowView, undo: boolean, end: FlowStatus): Advance {
  if (view.compensating) return still;
  if (undo && view.nextCompensation !== null) return { ...still, compensate: view.nextCompensation };
  return { ...still, status: view.compensationFailed ? 'failed' : end, finished: true };
}
