import {
  changeFlow,
  type FlowRow,
  findFlowError,
  insertCriticalJobs,
  loadCompensation,
  loadStepPayloads,
  type NewCriticalJob,
  releaseSteps,
  type Sealer,
  type Sql,
  startCompensation,
  stopSteps,
  viewFlow,
} from '@queue-service/persistence';
import { advance } from './advance.ts';
import { makeJobs } from './make-job.ts';

/** What a move of a flow leaves to do after the commit. */
export interface FlowMove {
  flow: FlowRow;
  /** It has ended with this move. */
  finished: boolean;
  /** Money jobs that were inserted. */
  inserted: NewCriticalJob[];
  /** Jobs of other queues were made. */
  owesSteps: boolean;
  /** Jobs of released steps that should not start any more. */
  cancelJobs: string[];
}

/**
 * Moves a flow as far as it goes, inside the caller's transaction and under the lock on its row: releases steps, stops
 * them, starts compensations, ends the flow. What it costs follows from what ended and what is released, and not from
 * how many steps there are.
 * @param ended the steps that ended since the last move; null looks at all
 */
export async function moveFlow(
  sql: Sql,
  from: FlowRow,
  ended: readonly string[] | null,
  sealer: Sealer,
): Promise<FlowMove> {
  const move: FlowMove = { flow: from, finished: false, inserted: [], owesSteps: false, cancelJobs: [] };
  for (let since = ended; move.flow.finishedAt === null; ) {
    const { flow } = move;
    const view = await viewFlow(sql, flow.id, since);
    const next = advance(flow.status, view);
    if (next.status !== flow.status || next.finished) {
      const ends = next.status === 'failed' || next.status === 'compensating';
      const error = flow.error ?? (ends ? await findFlowError(sql, flow.id) : null);
      move.flow = await changeFlow(sql, flow.id, { status: next.status, error, finished: next.finished });
      move.finished = next.finished;
    }
    if (next.stop) {
      move.cancelJobs.push(...(await stopSteps(sql, flow.id)));
      // What is left open ends by itself; without any, the flow moves on from here.
      if (view.open) return move;
      continue;
    }
    const failed = await startJobs(sql, move, next.release, next.compensate, sealer);
    // A step that could not even be made has ended: the flow moves on from there.
    if (failed.length === 0) return move;
    since = failed;
  }
  return move;
}

/** Makes the jobs of a move. Answers the steps that can have none. */
async function startJobs(
  sql: Sql,
  move: FlowMove,
  release: readonly string[],
  compensate: string | null,
  sealer: Sealer,
): Promise<string[]> {
  const { flow } = move;
  const failed: string[] = [];
  const start = async (steps: Parameters<typeof makeJobs>[2]) => {
    const { made, money } = await makeJobs(sql, flow, steps, sealer);
    if (money.length > 0) await insertCriticalJobs(sql, money);
    move.inserted.push(...money);
    const unmade = made.flatMap(({ name, error }) => (error === undefined ? [] : [name]));
    failed.push(...unmade);
    move.owesSteps ||= made.length - unmade.length > money.length;
    return made;
  };
  if (release.length > 0) {
    await releaseSteps(sql, flow.id, await start(await loadStepPayloads(sql, flow.id, release)));
  }
  if (compensate !== null) {
    const step = await loadCompensation(sql, flow.id, compensate);
    for (const made of await start(step === null ? [] : [step])) await startCompensation(sql, flow.id, made);
  }
  return failed;
}
