import type { FlowResource } from '@queue-service/contracts';
import { changeFlow, type Database, type FlowRow, lockFlow, type Sealer, type Sql } from '@queue-service/persistence';
import type { EndRecorder } from '../ends.ts';
import { dueOf, type FlowEngine } from './flow-engine.ts';
import { moveFlow } from './move-flow.ts';

export type FlowCancellation =
  /** Also when it was cancelled before. It has wound down when it has its `finishedAt`. */
  | { outcome: 'cancelled'; flow: FlowResource }
  /** It has another end, or is being undone already. */
  | { outcome: 'ended'; status: FlowRow['status'] }
  | { outcome: 'not_found' };

/** Writes, in the transaction of a change to a flow, who did it. Not called when nothing is changed. */
export type FlowNote = (sql: Sql, before: FlowRow, after: FlowRow) => Promise<void>;

/**
 * Starts nothing more of a flow: steps that wait are skipped, jobs that were made are cancelled, running ones through
 * their abort signal. What a job has done all the same stays done, and is shown so. Once nothing runs any more, what was
 * done is undone if a step that did not complete asks for that (`onFailure: compensate`), as if it had died.
 * @param tenantId null may cancel all
 */
export type CancelFlow = (id: string, tenantId: string | null, note?: FlowNote) => Promise<FlowCancellation>;

export interface CancelFlowParts {
  db: Database;
  sealer: Sealer;
  flows: FlowEngine;
  ends: EndRecorder;
  now: () => Date;
}

export function createCancelFlow({ db, sealer, flows, ends, now }: CancelFlowParts): CancelFlow {
  return async (id, tenantId, note = async () => {}) => {
    const done = await db.transaction(async (sql) => {
      const flow = await lockFlow(sql, id, tenantId);
      if (flow === null || flow.status !== 'running') return { found: flow, due: null };
      const cancelled = await changeFlow(sql, id, { status: 'cancelled', error: null, finished: false });
      await note(sql, flow, cancelled);
      const move = await moveFlow(sql, cancelled, [], sealer);
      return { found: move.flow, due: await dueOf(sql, move, now()) };
    });
    if (done.found === null) return { outcome: 'not_found' };
    if (done.due !== null) await ends.followUp(done.due);
    else if (done.found.status !== 'cancelled') return { outcome: 'ended', status: done.found.status };
    const flow = await flows.find(id, tenantId);
    return flow === null ? { outcome: 'not_found' } : { outcome: 'cancelled', flow };
  };
}
